/**
 * @file Calls of services that await an answer: an event on the service's channel with the id of the request.
 * The plain acknowledgement of the same id is not the answer and may come before or after it. The courier routes events here first.
 */
import { CometError, errorFromReply } from "./error.js";

/**
 * @typedef {object} Call
 * @property {(data: any) => void} resolve
 * @property {(error: CometError) => void} reject
 * @property {unknown} timer
 */

/** The open calls of one client. */
export class Calls {
  /** @type {Map<string, Call>} */
  #open = new Map();
  #clock;

  /** @param {import("./scheduler/clock.js").Clock} clock */
  constructor(clock) {
    this.#clock = clock;
  }

  /**
   * @param {string} id
   * @param {number} timeoutMs From now on, waiting in the queue included.
   * @param {() => void} onTimeout Runs before the call fails.
   * @returns {Promise<any>} The data of the answer.
   */
  open(id, timeoutMs, onTimeout) {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.setTimeout(() => {
        onTimeout();
        this.fail(id, new CometError("timeout"));
      }, timeoutMs);
      this.#open.set(id, { resolve, reject, timer });
    });
  }

  /**
   * @param {import("./message.js").Message} message An event.
   * @returns {boolean} Whether it was the answer of an open call.
   */
  onEvent(message) {
    if (message.id === undefined || message.successful === undefined) return false;
    const call = this.#take(String(message.id));
    if (!call) return false;
    if (message.successful) call.resolve(message.data);
    else call.reject(errorFromReply(message.error ?? "500::service_failed", { data: message.data }));
    return true;
  }

  /**
   * @param {string} id
   * @param {CometError} error
   */
  fail(id, error) {
    this.#take(id)?.reject(error);
  }

  /** @param {CometError} error No answer will come to any of these. @param {(id: string) => boolean} [which] */
  failAll(error, which = () => true) {
    for (const id of [...this.#open.keys()]) if (which(id)) this.fail(id, error);
  }

  /** @param {string} id */
  #take(id) {
    const call = this.#open.get(id);
    if (call) {
      this.#open.delete(id);
      this.#clock.clearTimeout(call.timer);
    }
    return call;
  }
}
