/**
 * @file What all one-way streams share: the connect that is answered by a stream, and everything else by requests as in long polling.
 * A stream is a connect that lasts. The session knows only connects with replies, so the connect that it sends while a stream is there
 * stays here and is answered by the stream's last word. How a stream is opened and read is left to the subclass.
 */
import { CometError } from "../error.js";
import { Pause } from "../scheduler/clock.js";
import { LongPollingTransport } from "./long-polling.js";
import { RETIRE_MS } from "./transport.js";

/**
 * After the first batch the server shows soon that it is still there; a stream of which nothing more comes is being held up on its way.
 * The server's first heartbeat after a second, and a while for the way.
 */
const PROVE_MS = 6_000;

/** @typedef {import("../message.js").Message} Message */

/**
 * A stream that is there, or is about to be.
 * @typedef {object} Stream
 * @property {AbortController} abort
 * @property {readonly string[]} opened Ids of the connect that has opened it.
 * @property {readonly string[]} held Ids of the connect that its end answers.
 * @property {number} heldAt
 * @property {number} heardAt
 * @property {Message} [lastWord]
 * @property {unknown} [watch] Looks again whether it is silent.
 * @property {unknown} [proof] Ends it unless it shows in time that what is written comes through.
 * @property {Promise<void>} [over]
 */

/** @abstract */
export class StreamingTransport extends LongPollingTransport {
  pushes = true;
  /** @type {Stream | undefined} */
  #stream;

  begins = (/** @type {boolean} */ atOnce) => atOnce || !this.#stream;

  /**
   * @param {readonly { id: string, text: string }[]} batch
   * @param {boolean} connect
   */
  send(batch, connect) {
    if (!connect || this.closed) return super.send(batch, connect);
    const ids = batch.map(({ id }) => id);
    const body = `[${batch.map(({ text }) => text).join(",")}]`;
    if (JSON.parse(body).some((/** @type {any} */ { advice }) => advice?.timeout === 0)) {
      // What it says is a new beginning, and nothing of the stream counts any more.
      this.#leave();
      return super.send(batch, connect);
    }
    const stream = this.#stream;
    if (!stream) return this.#open(body, ids);
    stream.held = ids;
    stream.heldAt = this.parts.clock.now();
  }

  /**
   * Opens a stream with a connect and reads it.
   * @param {string} _body JSON array with the connect.
   * @param {AbortSignal} _signal
   * @param {(messages: Message[]) => void} _onBatch Called with each batch, and with an empty one for each other sign of life.
   * @returns {Promise<void>} Resolves when it has ended. Rejections that are no `CometError` count as a lost connection.
   * @abstract
   * @protected
   */
  stream(_body, _signal, _onBatch) {
    return Promise.reject(new CometError("transport_failed"));
  }

  /** @param {string} id */
  onSilence(id) {
    const stream = this.#stream;
    const { clock } = this.parts;
    if (stream?.opened.includes(id)) stream.abort.abort(new CometError("timeout"));
    else if (stream?.held.includes(id)) this.#watch(stream, clock.now() - stream.heldAt);
    else super.onSilence(id);
  }

  /** @param {boolean} [superseded] */
  async retire(superseded) {
    const last = superseded && this.#stream?.over;
    if (last) {
      const pause = new Pause(this.parts.clock, RETIRE_MS);
      last.then(pause.end);
      await pause.over;
    }
    await super.retire();
  }

  close() {
    super.close();
    this.#leave();
  }

  /**
   * @param {string} body
   * @param {readonly string[]} opened
   */
  #open(body, opened) {
    const { clock, reports } = this.parts;
    /** @type {Stream} */
    const stream = { abort: new AbortController(), opened, held: [], heldAt: NaN, heardAt: NaN };
    this.#stream = stream;
    this.#expect(stream, this.parts.openTimeoutMs);
    const onBatch = (/** @type {Message[]} */ messages) => {
      if (stream !== this.#stream) return;
      this.#expect(stream, Number.isNaN(stream.heardAt) ? PROVE_MS : 0);
      stream.heardAt = clock.now();
      const rest = messages.filter((message) => {
        const last = message.channel === "/meta/connect" && message.id === undefined;
        if (last) stream.lastWord = message;
        return !last;
      });
      reports.onMessages(rest);
    };
    const onEnd = (/** @type {unknown} */ cause) => {
      if (stream !== this.#stream) return;
      this.#forget(stream);
      // What has been given up for its contents still comes, and keeps a connection.
      stream.abort.abort();
      const { lastWord, held } = stream;
      if (lastWord && held.length > 0) reports.onMessages([{ ...lastWord, id: held[0] }]);
      // Nobody has asked yet, so who asks next finds out by opening another.
      const error = cause instanceof CometError ? cause : new CometError("connection_lost", { cause });
      reports.onLost(error, [...opened, ...held]);
    };
    stream.over = this.stream(body, stream.abort.signal, onBatch).then(onEnd, onEnd);
  }

  /**
   * Ends a stream that has been silent for so long, or looks again when it would have been.
   * @param {Stream} stream
   * @param {number} mostMs
   */
  #watch(stream, mostMs) {
    const { clock } = this.parts;
    const leftMs = stream.heardAt + mostMs - clock.now();
    if (leftMs <= 0) stream.abort.abort(new CometError("timeout"));
    else stream.watch = clock.setTimeout(() => this.#watch(stream, mostMs), leftMs);
  }

  /**
   * A stream that is buffered on its way is no stream: it ends unless something comes in time.
   * @param {Stream} stream
   * @param {number} withinMs 0: it has proved itself.
   */
  #expect(stream, withinMs) {
    const { clock } = this.parts;
    clock.clearTimeout(stream.proof);
    if (withinMs > 0) stream.proof = clock.setTimeout(() => stream.abort.abort(new CometError("timeout")), withinMs);
  }

  /** The stream that is there says nothing more. */
  #leave() {
    const stream = this.#stream;
    if (!stream) return;
    this.#forget(stream);
    stream.abort.abort(new CometError("superseded"));
    if (!this.closed) this.parts.reports.onLost(new CometError("superseded"), [...stream.opened, ...stream.held]);
  }

  /** @param {Stream} stream */
  #forget(stream) {
    this.#stream = undefined;
    this.parts.clock.clearTimeout(stream.watch);
    this.parts.clock.clearTimeout(stream.proof);
  }
}

/**
 * @param {string} text
 * @returns {any} What it says; a text that is no JSON was cut or spoilt on its way.
 */
export function parse(text) {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CometError("connection_lost", { cause });
  }
}
