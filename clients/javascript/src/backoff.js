/**
 * @file How long to wait before the next attempt: capped exponential growth with full jitter, so that many clients of one
 * restarted server do not come back together. It keeps a count and nothing else; `session.js` asks for delays and resets it.
 */

/** One client's row of delays. */
export class Backoff {
  #attempts = 0;
  #options;

  /**
   * @param {object} options
   * @param {number} options.backoffBaseMs Widest first delay.
   * @param {number} options.backoffCapMs Widest delay ever.
   * @param {() => number} options.random Uniform in [0, 1).
   */
  constructor(options) {
    this.#options = options;
  }

  /**
   * The next delay: anywhere in a window that doubles with every call.
   * @param {number} [leastWindowMs] Widens the window where a whole crowd is known to be coming back.
   * @returns {number} Milliseconds.
   */
  nextMs(leastWindowMs = 0) {
    const { backoffBaseMs, backoffCapMs, random } = this.#options;
    const window = Math.min(backoffCapMs, backoffBaseMs * 2 ** this.#attempts);
    this.#attempts = Math.min(this.#attempts + 1, 30);
    return Math.floor(random() * Math.max(window, leastWindowMs));
  }

  /** Forgets past failures. */
  reset() {
    this.#attempts = 0;
  }
}
