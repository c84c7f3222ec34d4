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

/** A wait that ends by itself or is ended early. */
export class Pause {
  /** Ends it now. */
  end = () => {};

  /**
   * @param {Clock} clock
   * @param {number} delayMs
   */
  constructor(clock, delayMs) {
    /** Resolves when the wait is over. @type {Promise<void>} */
    this.over = new Promise((resolve) => {
      const timer = clock.setTimeout(resolve, delayMs);
      this.end = () => {
        clock.clearTimeout(timer);
        resolve();
      };
    });
  }
}
