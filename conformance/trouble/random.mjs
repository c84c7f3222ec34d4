// Random numbers that a seed repeats, so that a run that failed can be run again. COMET_SEED names the seed.

/** Makes a source of random numbers. */
export class Random {
  #state;

  /** @param {number} seed 32 bits */
  constructor(seed) {
    this.seed = seed >>> 0;
    this.#state = this.seed;
  }

  /** The seed of the environment, or one nobody knows. */
  static ofRun() {
    const named = process.env.COMET_SEED;
    return new Random(named === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(named));
  }

  /** A whole number from `least` to `most`, both included. */
  between(least, most) {
    return least + Math.floor(this.#next() * (most - least + 1));
  }

  /** One of a list. */
  of(list) {
    return list[this.between(0, list.length - 1)];
  }

  // mulberry32: small, and good enough to be nasty.
  #next() {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}
