/**
 * @file Calls of services that await an answer: an event on the service's channel with the id of the request.
 * The plain acknowledgement of the same id is not the answer and may come before or after it. The courier routes events here first.
 */
import { CometError, errorFromReply } from "./error.js";

/** The open calls of one client. */
export class Calls {
  /** What ends each. @type {Map<string, (error: CometError | undefined, data?: any) => void>} */
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
      this.#open.set(id, (error, data) => {
        this.#open.delete(id);
        this.#clock.clearTimeout(timer);
        if (error) reject(error);
        else resolve(data);
      });
    });
  }

  /**
   * @param {import("./message.js").Message} message An event.
   * @returns {boolean} Whether it was the answer of an open call.
   */
  onEvent({ id, successful, data, error }) {
    const end = successful === undefined ? undefined : this.#open.get(String(id));
    end?.(successful ? undefined : errorFromReply(error ?? "500::service_failed", { data }), data);
    return end !== undefined;
  }

  /**
   * @param {string} id
   * @param {CometError} error
   */
  fail(id, error) {
    this.#open.get(id)?.(error);
  }

  /** @param {CometError} error No answer will come to any of these. @param {(id: string) => boolean} [which] */
  failAll(error, which = () => true) {
    for (const [id, end] of [...this.#open]) if (which(id)) end(error);
  }
}
