/**
 * @file What one listener has heard of its channels: what comes twice is dropped by it, and what is missed is asked for from it.
 * Positions come from events and gaps, times from the server's replies. The messages of a channel come in order.
 *
 * A trail is a time and the last position of each channel. Everything older than the time was heard, or is older than the listener;
 * of a channel with a position everything up to it was. So a position may be forgotten once its message is older than the time: asking
 * from the time brings neither that message again nor leaves one out. A pattern may see more channels than are remembered before
 * the server tells a new time. Then the channel silent longest is forgotten and the time moved behind its last message, for nothing
 * may be heard twice; what older messages of other channels were still on their way cannot be asked for any more. The trail is unsure
 * until the server tells a time as late, and who has to ask before that is told of a gap instead of being left a silent hole.
 */
import { isPattern } from "./channel.js";

/** Channels remembered for one pattern. */
const MOST_CHANNELS = 256;

/** @typedef {import("./message.js").Position} Position */

/** The trail of one listener. */
export class Trail {
  /** The last position of each channel and the latest time its message can have; silent longest first. @type {Map<string, { position: Position, at: number }>} */
  #channels = new Map();
  /** @type {number | undefined} Unix milliseconds. */
  #time;
  /** The last time that the server told. @type {number | undefined} */
  #told;

  /** @returns {Trail} That of one who has heard the same. */
  copy() {
    const copy = new Trail();
    copy.#channels = new Map(this.#channels);
    copy.#time = this.#time;
    copy.#told = this.#told;
    return copy;
  }

  /** Whether asking from here may leave something out. */
  get unsure() {
    return this.#time !== this.#told;
  }

  /**
   * @param {string} channel
   * @returns {Position | undefined} The last position heard.
   */
  last(channel) {
    return this.#channels.get(channel)?.position;
  }

  /**
   * @param {string} name The channel or pattern.
   * @returns {unknown} From where the server should go on, if that is known.
   */
  since(name) {
    const time = this.#time;
    if (!isPattern(name)) return this.last(name) ?? (time && { time });
    return time && { time, positions: Object.fromEntries([...this.#channels].map(([channel, { position }]) => [channel, position])) };
  }

  /** @param {number | undefined} time Everything older was sent before. */
  onTime(time) {
    if (time === undefined) return;
    this.#told = Math.max(time, this.#told ?? 0);
    this.#time = Math.max(time, this.#time ?? 0);
  }

  /**
   * @param {string} channel
   * @param {Position} position
   * @param {number} at A time the message is not younger than.
   * @returns {boolean} Whether it is new.
   */
  onPosition(channel, position, at) {
    const known = this.last(channel);
    if (known?.epoch === position.epoch && position.offset <= known.offset) return false;
    this.#channels.delete(channel);
    this.#channels.set(channel, { position, at });
    if (this.#channels.size > MOST_CHANNELS) {
      const [[silent, last]] = this.#channels;
      this.#channels.delete(silent);
      if (this.#time !== undefined && last.at >= this.#time) this.#time = last.at + 1;
    }
    return true;
  }
}
