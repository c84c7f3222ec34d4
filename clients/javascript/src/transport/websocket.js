/**
 * @file Bayeux over one WebSocket: every frame a JSON array, both ways, at any time.
 * What a closed or silent socket means for the session is decided in `session.js`. Frames come from the platform's `WebSocket`.
 */
import { CometError, errorFromClose } from "../error.js";
import { BATCH_BYTES, BATCH_MESSAGES, RETIRE_MS } from "./transport.js";

/** Bytes the socket may hold back before we wait for it. */
const MOST_BUFFERED = 1_048_576;
const DRAIN_CHECK_MS = 50;

/**
 * @param {string} url Address of the server, http or ws.
 * @returns {string} The same with ws or wss.
 */
export function webSocketUrl(url) {
  return url.replace(/^http/, "ws");
}

/** @typedef {import("./transport.js").Transport} Transport */

/** @implements {Transport} */
export class WebSocketTransport {
  name = "websocket";
  pushes = true;
  limits = { mostMessages: BATCH_MESSAGES, mostTogether: BATCH_BYTES, mostAlone: Infinity };
  #parts;
  /** @type {WebSocket | undefined} */
  #socket;
  /** @type {unknown} */
  #drainTimer;
  #closed = false;
  /** @type {() => void} */
  #onRetired = () => {};

  /** @param {import("./transport.js").Parts} parts */
  constructor(parts) {
    this.#parts = parts;
  }

  /** @returns {Promise<void>} */
  open() {
    const { url, clock, openTimeoutMs } = this.#parts;
    const Socket = /** @type {typeof WebSocket} */ (this.#parts.WebSocket);
    return new Promise((resolve, reject) => {
      const timer = clock.setTimeout(() => fail(new CometError("transport_failed", { message: "The WebSocket did not open in time." })), openTimeoutMs);
      /** @param {CometError} error */
      const fail = (error) => {
        clock.clearTimeout(timer);
        this.close();
        reject(error);
      };
      try {
        this.#socket = new Socket(webSocketUrl(url));
      } catch (cause) {
        return fail(new CometError("transport_failed", { cause }));
      }
      const socket = this.#socket;
      socket.onmessage = ({ data }) => this.#onFrame(data);
      socket.onclose = ({ code, reason }) => {
        const error = errorFromClose(code, reason);
        fail(error.code === "connection_lost" ? new CometError("transport_failed", { cause: error.cause }) : error);
      };
      // Some platforms tell of a refused upgrade by this event alone.
      socket.onerror = () => fail(new CometError("transport_failed"));
      socket.onopen = () => {
        clock.clearTimeout(timer);
        socket.onerror = null;
        socket.onclose = ({ code, reason }) => this.#onGone(errorFromClose(code, reason));
        resolve();
      };
    });
  }

  get writable() {
    if (this.#closed || this.#socket?.readyState !== 1) return false;
    if (this.#socket.bufferedAmount < MOST_BUFFERED) return true;
    this.#drainTimer ??= this.#parts.clock.setTimeout(() => {
      this.#drainTimer = undefined;
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

  /** Messages of one socket cannot overtake each other. */
  async quiet() {}

  /** A socket that lets a message go unanswered is taken for dead. */
  onSilence() {
    this.#onGone(new CometError("timeout"));
  }

  /**
   * @param {boolean} [superseded]
   * @returns {Promise<void>}
   */
  retire(superseded = false) {
    if (this.#closed || !this.#socket || this.#socket.readyState === 3) {
      this.close();
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const timer = this.#parts.clock.setTimeout(() => this.#onGone(new CometError("connection_lost")), RETIRE_MS);
      this.#onRetired = () => {
        this.#parts.clock.clearTimeout(timer);
        resolve();
      };
      // The server closes the older wire behind everything it has written. A socket closed from this side drops what still comes.
      if (!superseded) this.#socket?.close(1000);
    });
  }

  close() {
    this.#closed = true;
    this.#parts.clock.clearTimeout(this.#drainTimer);
    const socket = this.#socket;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
    if (socket.readyState < 2) socket.close(1000);
    this.#onRetired();
  }

  /** @param {unknown} data */
  #onFrame(data) {
    let messages;
    try {
      messages = JSON.parse(/** @type {string} */ (data));
    } catch (cause) {
      return this.#onGone(new CometError("connection_lost", { message: "The server sent what is not JSON.", cause }));
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
