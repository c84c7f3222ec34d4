/**
 * @file Whether a row of numbers is whole: each once and in order. Numbers begin anew where the server did.
 */

/** Checks what one lane sees. */
export class Sequence {
  seen = 0;
  skipped = 0;
  repeated = 0;
  /** @type {number | undefined} */
  last;
  /** @type {string | undefined} */
  #epoch;

  /**
   * @param {number} number
   * @param {string} [epoch] Another one means another count.
   * @returns {number} How many numbers this one makes known: itself, and those that were passed over.
   */
  take(number, epoch) {
    if (epoch !== this.#epoch) this.last = undefined;
    this.#epoch = epoch;
    const before = this.last ?? number - 1;
    if (number <= before) {
      this.repeated += 1;
      return 0;
    }
    this.seen += 1;
    this.skipped += number - before - 1;
    this.last = number;
    return number - before;
  }
}
