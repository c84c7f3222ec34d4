/**
 * @file What long polling and callback polling share: two lanes, one for the held connect and one for all else, one request at a time.
 * How a request is made is left to the subclass. A failed request loses its messages, never the wire: there is no wire to lose.
 */
import { CometError } from "../error.js";
import { Pause } from "../scheduler/clock.js";
import { LIMITS, RETIRE_MS } from "./transport.js";

/**
 * @typedef {import("../message.js").Message} Message
 * @typedef {{ ids: readonly string[], connect: boolean, abort: AbortController, over?: Promise<void> }} Request
 */

/** @abstract */
export class PollingTransport {
  name = "polling";
  pushes = false;
  begins = (/** @type {boolean} */ _atOnce) => true;
  /** @type {import("./transport.js").Limits} */
  limits = LIMITS;
  /** @type {import("./transport.js").Parts} @protected */
  parts;
  /** In the order they were made. @type {Set<Request>} */
  #requests = new Set();
  /** @protected */
  closed = false;

  /** @param {import("./transport.js").Parts} parts */
  constructor(parts) {
    this.parts = parts;
  }

  /** @returns {Promise<void>} */
  async open() {}

  get writable() {
    return !this.closed && ![...this.#requests].some(({ connect }) => !connect);
  }

  /**
   * @param {readonly { id: string, text: string }[]} batch
   * @param {boolean} connect
   */
  send(batch, connect) {
    const ids = batch.map(({ id }) => id);
    if (this.closed) return this.parts.reports.onLost(new CometError("connection_lost"), ids);
    /** @type {Request} */
    const request = { ids, connect, abort: new AbortController() };
    // The server ends a connect that is overtaken, but over a dead connection nobody hears of it.
    for (const older of this.#requests) if (connect && older.connect) this.parts.clock.setTimeout(() => older.abort.abort(), /** @type {number} */ (this.parts.networkDelayMs));
    this.#requests.add(request);
    request.over = this.request(`[${batch.map(({ text }) => text).join(",")}]`, request.abort.signal).then(
      (messages) => this.#onEnd(request, messages, new CometError("connection_lost")),
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
    return Promise.reject();
  }

  /** @param {string} id */
  onSilence(id) {
    for (const request of this.#requests) if (request.ids.includes(id)) request.abort.abort(new CometError("timeout"));
  }

  quiet() {
    const pause = new Pause(this.parts.clock, RETIRE_MS);
    Promise.all([...this.#requests].map(({ over }) => over)).then(() => pause.end());
    return pause.over;
  }

  /** @returns {Promise<void>} */
  async retire() {
    await this.quiet();
    this.close();
  }

  close() {
    this.closed = true;
    for (const { abort } of this.#requests) abort.abort();
    this.#requests.clear();
  }

  /**
   * @param {Request} request
   * @param {Message[]} messages
   * @param {CometError} error What the messages without a reply are told.
   */
  #onEnd(request, messages, error) {
    if (!this.#requests.delete(request)) return;
    const { ids, connect } = request;
    const { onMessages, onLost, onDrain } = this.parts.reports;
    if (messages.length > 0) onMessages(messages);
    onLost(error, ids);
    if (!connect) onDrain();
  }
}

/**
 * @param {unknown} body Parsed answer of a request.
 * @returns {Message[]}
 * @throws {CometError} when it is not a batch.
 */
export function checkBatch(body) {
  if (!Array.isArray(body) || body.length === 0) throw new CometError("connection_lost");
  return body;
}
