/**
 * @file Refuses transports on the user's wish, as a network would: what is open is cut, what is new fails.
 * The taps ask it and tell it what is open; it knows no wire.
 */

/** The gate of one client. */
export class Gate {
  /** @type {Set<string>} */
  #blocked = new Set();
  /** @type {Map<string, Set<() => void>>} */
  #open = new Map();

  /** @param {string | undefined} name */
  refuses(name) {
    return name !== undefined && this.#blocked.has(name);
  }

  /** @param {string} name */
  block(name) {
    this.#blocked.add(name);
    for (const cut of [...(this.#open.get(name) ?? [])]) cut();
  }

  /** @param {string} name */
  allow(name) {
    this.#blocked.delete(name);
  }

  /**
   * Something is open that is cut when its transport is blocked.
   * @param {string | undefined} name
   * @param {() => void} cut
   * @returns {() => void} To be called when it is over.
   */
  hold(name, cut) {
    if (name === undefined) return () => {};
    const open = this.#open.get(name) ?? new Set();
    this.#open.set(name, open.add(cut));
    return () => open.delete(cut);
  }
}
