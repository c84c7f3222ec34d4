/**
 * @file What long polling and callback polling share: two lanes, one for the held connect and one for all else, one request at a time.
 * How a request is made is left to the subclass. A failed request loses its messages, never the wire: there is no wire to lose.
 */
import { CometError } from "../error.js";
import { BATCH_BYTES, BATCH_MESSAGES, RETIRE_MS } from "./transport.js";

/**
 * @typedef {import("../message.js").Message} Message
 * @typedef {{ ids: readonly string[], connect: boolean, abort: AbortController, answer?: { messages: Message[], error: CometError } }} Request
 */

/** @abstract */
export class PollingTransport {
  name = "polling";
  pushes = false;
  /** @type {import("./transport.js").Limits} */
  limits = { mostMessages: BATCH_MESSAGES, mostTogether: BATCH_BYTES, mostAlone: Infinity };
  /** @type {import("./transport.js").Parts} @protected */
  parts;
  /** In the order they were made. @type {Set<Request>} */
  #requests = new Set();
  #closed = false;
  /** Told whenever a request ends. @type {Set<() => void>} */
  #watchers = new Set();

  /** @param {import("./transport.js").Parts} parts */
  constructor(parts) {
    this.parts = parts;
  }

  /** @returns {Promise<void>} */
  async open() {}

  get writable() {
    return !this.#closed && ![...this.#requests].some(({ connect }) => !connect);
  }

  /**
   * @param {readonly { id: string, text: string }[]} batch
   * @param {boolean} connect
   */
  send(batch, connect) {
    const ids = batch.map(({ id }) => id);
    if (this.#closed) return this.parts.reports.onLost(new CometError("connection_lost"), ids);
    /** @type {Request} */
    const request = { ids, connect, abort: new AbortController() };
    this.#requests.add(request);
    this.request(`[${batch.map(({ text }) => text).join(",")}]`, request.abort.signal).then(
      (messages) => this.#onEnd(request, messages, new CometError("connection_lost", { message: "The answer lacks a reply." })),
      (error) => this.#onEnd(request, [], error instanceof CometError ? error : new CometError("connection_lost", { cause: error })),
    );
  }

  /**
   * Makes one request.
   * @param {string} _body JSON array of messages.
   * @param {AbortSignal} _signal
   * @returns {Promise<Message[]>} Never empty. Rejections that are no `CometError` count as a lost connection.
   * @abstract
   * @protected
   */
  request(_body, _signal) {
    return Promise.reject(new CometError("transport_failed"));
  }

  /** @param {string} id */
  onSilence(id) {
    for (const request of this.#requests) if (request.ids.includes(id)) request.abort.abort(new CometError("timeout"));
  }

  /** @returns {Promise<void>} */
  quiet() {
    return this.#without(({ connect }) => connect);
  }

  /** @returns {Promise<void>} */
  async retire() {
    await this.#without(() => true);
    this.close();
  }

  close() {
    this.#closed = true;
    for (const request of this.#requests) if (request.answer) this.#report(request, request.answer);
    for (const { abort } of this.#requests) abort.abort();
    this.#requests.clear();
    for (const tell of [...this.#watchers]) tell();
  }

  /**
   * @param {(request: { connect: boolean }) => boolean} which
   * @returns {Promise<void>} Resolves when there is no such request, or has been one for too long.
   */
  #without(which) {
    if (![...this.#requests].some(which)) return Promise.resolve();
    const { clock } = this.parts;
    return new Promise((resolve) => {
      const end = () => {
        clock.clearTimeout(timer);
        this.#watchers.delete(check);
        resolve();
      };
      const check = () => {
        if (![...this.#requests].some(which)) end();
      };
      const timer = clock.setTimeout(end, RETIRE_MS);
      this.#watchers.add(check);
    });
  }

  /**
   * @param {Request} request
   * @param {Message[]} messages
   * @param {CometError} error What the messages without a reply are told.
   */
  #onEnd(request, messages, error) {
    if (!this.#requests.has(request)) return;
    request.answer = { messages, error };
    if (request.connect) {
      this.#dropOlder(request);
      this.#reportConnects();
    } else {
      this.#report(request, request.answer);
      this.parts.reports.onDrain();
    }
    for (const tell of [...this.#watchers]) tell();
  }

  /** Answers of two connects may overtake each other on the way; their events may not. */
  #reportConnects() {
    for (const request of this.#requests) {
      if (!request.connect) continue;
      if (!request.answer) break;
      this.#report(request, request.answer);
    }
  }

  /**
   * @param {Request} request
   * @param {NonNullable<Request["answer"]>} answer
   */
  #report(request, { messages, error }) {
    this.#requests.delete(request);
    const { onMessages, onLost } = this.parts.reports;
    if (messages.length > 0) onMessages(messages);
    onLost(error, request.ids);
  }

  /**
   * Connects made before one that has ended are no longer held; those the server forgot to end are given up after a while.
   * @param {{ ids: readonly string[] }} request
   */
  #dropOlder({ ids }) {
    const older = [...this.#requests].filter((each) => each.connect && Number(each.ids[0]) < Number(ids[0]));
    if (older.length === 0) return;
    this.parts.clock.setTimeout(() => {
      for (const { abort } of older) abort.abort(new CometError("superseded"));
    }, RETIRE_MS);
  }
}

/**
 * @param {unknown} body Parsed answer of a request.
 * @returns {Message[]}
 * @throws {CometError} when it is not a batch.
 */
export function checkBatch(body) {
  if (!Array.isArray(body) || body.length === 0) throw new CometError("connection_lost", { message: "The answer is not a batch of messages." });
  return body;
}
