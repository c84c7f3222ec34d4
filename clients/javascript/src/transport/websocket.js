/**
 * @file Bayeux over one WebSocket: every frame a JSON array, both ways, at any time.
 * What a closed or silent socket means for the session is decided in `session.js`. Frames come from the platform's `WebSocket`.
 */
import { CometError, errorFromClose } from "../error.js";
import { Pause } from "../scheduler/clock.js";
import { LIMITS, RETIRE_MS } from "./transport.js";

/** Bytes the socket may hold back before we wait for it. */
const MOST_BUFFERED = 1_048_576;
const DRAIN_CHECK_MS = 50;

/** @typedef {import("./transport.js").Transport} Transport */

/** @implements {Transport} */
export class WebSocketTransport {
  name = "websocket";
  pushes = true;
  begins = () => false;
  limits = LIMITS;
  #parts;
  /** @type {WebSocket | undefined} */
  #socket;
  /** Until it is open, until it must be; then before another look at what it holds back. @type {unknown} */
  #timer;
  #closed = false;
  /** @type {Promise<void> | undefined} */
  #opening;
  /** @type {Pause | undefined} */
  #retiring;

  /** @param {import("./transport.js").Parts} parts */
  constructor(parts) {
    this.#parts = parts;
  }

  /** @returns {Promise<void>} */
  open() {
    const { url, clock, openTimeoutMs } = this.#parts;
    const Socket = /** @type {typeof WebSocket} */ (this.#parts.WebSocket);
    return (this.#opening ??= new Promise((resolve, reject) => {
      this.#timer = clock.setTimeout(() => fail(new CometError("transport_failed")), openTimeoutMs);
      /** @param {CometError} error */
      const fail = (error) => {
        this.close();
        reject(error);
      };
      try {
        this.#socket = new Socket(url.replace(/^http/, "ws"));
      } catch (cause) {
        return fail(new CometError("transport_failed", { cause }));
      }
      const socket = this.#socket;
      socket.onmessage = ({ data }) => this.#onFrame(data);
      // Some platforms tell of a refused upgrade by an error alone, which has no code.
      socket.onclose = socket.onerror = (/** @type {Partial<CloseEvent>} */ { code = 0, reason }) => {
        const error = errorFromClose(code, reason);
        fail(error.code === "connection_lost" ? new CometError("transport_failed", { cause: error.cause }) : error);
      };
      socket.onopen = () => {
        clock.clearTimeout(this.#timer);
        this.#timer = undefined;
        socket.onerror = null;
        socket.onclose = ({ code, reason }) => this.#onGone(errorFromClose(code, reason));
        resolve();
      };
    }));
  }

  get writable() {
    if (this.#closed || this.#socket?.readyState !== 1) return false;
    if (this.#socket.bufferedAmount < MOST_BUFFERED) return true;
    this.#timer ??= this.#parts.clock.setTimeout(() => {
      this.#timer = undefined;
      this.#parts.reports.onDrain();
    }, DRAIN_CHECK_MS);
    return false;
  }

  /** @param {readonly { id: string, text: string }[]} batch */
  send(batch) {
    if (this.#socket?.readyState !== 1) {
      const ids = batch.map(({ id }) => id);
      return this.#parts.reports.onLost(new CometError("connection_lost"), ids);
    }
    this.#socket.send(`[${batch.map(({ text }) => text).join(",")}]`);
  }

  /** A socket that lets a message go unanswered is taken for dead. */
  onSilence() {
    this.#onGone(new CometError("timeout"));
  }

  /**
   * @param {boolean} [superseded]
   * @returns {Promise<void>}
   */
  async retire(superseded = false) {
    const socket = this.#socket;
    if (socket && !this.#closed && socket.readyState < 3) {
      this.#retiring = new Pause(this.#parts.clock, RETIRE_MS);
      // The server closes the older wire behind everything it has written. A socket closed from this side drops what still comes.
      if (!superseded) socket.close(1000);
      await this.#retiring.over;
    }
    this.close();
  }

  close() {
    this.#closed = true;
    this.#parts.clock.clearTimeout(this.#timer);
    const socket = this.#socket;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
    if (socket.readyState < 2) socket.close(1000);
    this.#retiring?.end();
  }

  /** @param {unknown} data */
  #onFrame(data) {
    let messages;
    try {
      messages = JSON.parse(/** @type {string} */ (data));
    } catch (cause) {
      return this.#onGone(new CometError("connection_lost", { cause }));
    }
    this.#parts.reports.onMessages(Array.isArray(messages) ? messages : [messages]);
  }

  /** @param {CometError} error */
  #onGone(error) {
    if (this.#closed) return;
    this.close();
    this.#parts.reports.onLost(error);
  }
}
