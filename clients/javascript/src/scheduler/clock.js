/**
 * @file Time as the client sees it: a clock that tests can move by hand, and pauses that can be cut short.
 * No other file of the client calls the global timers. Times are unix milliseconds, as far as the machine knows, that never run backwards.
 */

/**
 * @typedef {object} Clock
 * @property {() => number} now Goes on while the machine sleeps: keys grow old meanwhile.
 * @property {(run: () => void, delayMs: number) => unknown} setTimeout
 * @property {(timer: any) => void} clearTimeout
 */

/** How far the wall has been ahead of the other clock, which is never set, and may stand still while the machine sleeps. */
let slept = 0;

/** The clock of the platform. @type {Clock} */
export const systemClock = {
  now: () => performance.now() + (slept = Math.max(slept, Date.now() - performance.now())),
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
