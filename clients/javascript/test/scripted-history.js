/**
 * @file What the scripted server remembers of its channels: positions, old messages, and the keys of publications.
 * Kept for ever, unless a test has it forgotten; then another epoch begins, and who comes back is told of a gap.
 */

/** The history of one world. */
export class History {
  #epoch = 1;
  /** Nothing is known of what came before. */
  #since = 0;
  /** @type {Map<string, { event: any, time: number }[]>} */
  #channels = new Map();
  /** @type {Map<string, any>} */
  #keys = new Map();

  /** Nothing is known any more. */
  forget() {
    this.#epoch += 1;
    this.#since = Date.now();
    this.#channels.clear();
  }

  /**
   * @param {string} channel
   * @param {unknown} data
   * @param {Record<string, unknown> | undefined} ext Without one the event carries its position.
   * @param {string} [key]
   * @param {Record<string, unknown>} [travels] What its publisher says beside that.
   * @returns {{ position: any, event: any }} No event when the key is known.
   */
  add(channel, data, ext, key, travels) {
    const known = this.#keys.get(`${channel} ${key}`);
    if (key && known) return { position: known, event: undefined };
    const position = this.#head(this.#of(channel).length + 1);
    const event = { channel, data, ext: ext ?? { ...travels, position } };
    this.#of(channel).push({ event, time: Date.now() });
    this.#keys.set(`${channel} ${key}`, position);
    return { position, event };
  }

  /**
   * @param {string} subscription
   * @param {(channel: string) => boolean} which
   * @param {any} since
   * @returns {{ events: any[], ext: any }} What was missed, and what the reply says of it.
   */
  since(subscription, which, since) {
    const gaps = {};
    const events = [];
    const names = new Set([...this.#channels.keys(), ...Object.keys(since.positions ?? {})].filter(which));
    for (const name of names) {
      const past = this.#of(name);
      const { epoch, offset } = since.positions?.[name] ?? since;
      if (epoch && epoch !== `e${this.#epoch}`) gaps[name] = this.#head(past.length);
      else events.push(...past.slice(since.last ? -since.last : 0).filter((each, index) => (epoch ? index >= offset : each.time >= (since.time ?? 0))));
    }
    // What else there was cannot be named.
    if (since.time < this.#since) gaps[subscription] ??= this.#head(0);
    const recovered = Object.keys(gaps).length === 0;
    return { events: events.map(({ event }) => event), ext: recovered ? { recovered } : { recovered, gaps } };
  }

  /** @param {number} offset */
  #head(offset) {
    return { epoch: `e${this.#epoch}`, offset };
  }

  /** @param {string} channel */
  #of(channel) {
    return this.#channels.get(channel) ?? this.#channels.set(channel, []).get(channel);
  }
}
