/**
 * @file What one listener has seen of each channel, so that a delivery that comes twice is heard once and one that comes late is not lost.
 * Two requests of one session may overtake each other, so "not after the last" alone does not mean "seen". Positions come from events.
 */

/** Channels remembered for one pattern; the one that was silent longest is forgotten first. */
const MOST_CHANNELS = 256;
/** Skipped offsets that may still arrive. */
const MOST_SKIPPED = 64;

/** @typedef {import("./message.js").Position} Position */

/** The trail of one listener. */
export class Trail {
  /** @type {Map<string, { last: Position, skipped: Set<number> }>} */
  #channels = new Map();

  /**
   * @param {string} channel
   * @returns {Position | undefined} The furthest position seen.
   */
  last(channel) {
    return this.#channels.get(channel)?.last;
  }

  /**
   * @param {string} channel
   * @param {Position} position
   * @returns {boolean} Whether it is new.
   */
  onPosition(channel, position) {
    const known = this.#channels.get(channel);
    const { epoch, offset } = position;
    if (known?.last.epoch === epoch && offset <= known.last.offset) return known.skipped.delete(offset);
    const skipped = known?.last.epoch === epoch ? known.skipped : new Set();
    if (known?.last.epoch === epoch) {
      for (let missing = Math.max(known.last.offset + 1, offset - MOST_SKIPPED); missing < offset; missing += 1) skipped.add(missing);
      for (const oldest of skipped) if (skipped.size > MOST_SKIPPED) skipped.delete(oldest);
    }
    this.#channels.delete(channel);
    this.#channels.set(channel, { last: position, skipped });
    if (this.#channels.size > MOST_CHANNELS) for (const silent of this.#channels.keys()) return this.#channels.delete(silent);
    return true;
  }
}
