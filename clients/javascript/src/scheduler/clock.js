/**
 * @file Time as the client sees it: a clock that tests can move by hand, and pauses that can be cut short.
 * No other file of the client calls the global timers. Times are milliseconds of a clock that never runs backwards.
 */

/**
 * @typedef {object} Clock
 * @property {() => number} now
 * @property {(run: () => void, delayMs: number) => unknown} setTimeout
 * @property {(timer: any) => void} clearTimeout
 */

/** The clock of the platform. @type {Clock} */
export const systemClock = {
  now: () => performance.now(),
  setTimeout: (run, delayMs) => setTimeout(run, delayMs),
  clearTimeout: (timer) => clearTimeout(timer),
};

/** The clock of the server, as far as it has told it. */
export class ServerClock {
  /** @type {number | undefined} */
  #aheadMs;
  #clock;

  /** @param {Clock} clock */
  constructor(clock) {
    this.#clock = clock;
  }

  /**
   * @param {number} time Unix milliseconds that a reply tells.
   * @param {number} askedAt When it was asked for: the server's clock is not further on than that makes it.
   */
  onTime(time, askedAt) {
    this.#aheadMs = time - askedAt;
  }

  /** Unix milliseconds, never before the server's own; this machine's until the server has told. */
  now() {
    return this.#aheadMs === undefined ? Date.now() : Math.ceil(this.#aheadMs + this.#clock.now());
  }
}

/** A wait that ends by itself or is ended early. */
export class Pause {
  #end = () => {};

  /**
   * @param {Clock} clock
   * @param {number} delayMs
   */
  constructor(clock, delayMs) {
    /** Resolves when the wait is over. @type {Promise<void>} */
    this.over = new Promise((resolve) => {
      const timer = clock.setTimeout(resolve, delayMs);
      this.#end = () => {
        clock.clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Ends the wait now. */
  end() {
    this.#end();
  }
}
