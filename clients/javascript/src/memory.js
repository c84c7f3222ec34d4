/**
 * @file What was learnt about networks, kept in the page's `localStorage` for the next visit: which transports fail there and for how
 * long they are left alone, and how long a connect may be held. Nothing in it is secret, and nothing in it is believed: what cannot be
 * read, is too old or out of bounds counts as nothing. `vigil.js` says when to read and to write.
 */
import { LEAST_HOLD_MS } from "./idle.js";

/** The one key. `session.js` looks whether there is something. */
const KEY = "comet";
const VERSION = 1;
/** Networks that are remembered; the one unheard of for longest is forgotten. */
const MOST_PLACES = 8;
const OLDEST_MS = 7 * 86_400_000;
const LONGEST_REST_MS = 600_000;
const LONGEST_HOLD_MS = 3_600_000;
/** More is not ours, or is damaged. */
const MOST_TEXT = 16_384;

/**
 * @typedef {import("./transport/choice.js").Trial} Trial
 * @typedef {{ trials: Map<string, Trial>, holdMs: number }} Verdict
 */

/** The memory of one client. */
export class Memory {
  #storage;
  #transports;

  /**
   * @param {Storage | undefined} storage
   * @param {readonly string[]} transports Names that mean something.
   */
  constructor(storage, transports) {
    this.#storage = storage;
    this.#transports = transports;
  }

  /**
   * @param {string} place The server's origin and the network.
   * @param {number} now Unix milliseconds.
   * @returns {Verdict} What is known of it.
   */
  read(place, now) {
    const entry = this.#entries(now).get(place);
    const trials = new Map();
    for (const name of this.#transports) {
      const [until, restMs] = Object.hasOwn(entry?.failed ?? {}, name) ? numbers(entry.failed[name]) : [];
      // Clocks may have been set, so a rest ends in time whatever is written there.
      if (restMs) trials.set(name, { until: Math.min(until, now + LONGEST_REST_MS), restMs: Math.min(restMs, LONGEST_REST_MS), strikes: 0 });
    }
    const [hold] = numbers([entry?.hold]);
    return { trials, holdMs: hold ? Math.min(Math.max(hold, LEAST_HOLD_MS), LONGEST_HOLD_MS) : Infinity };
  }

  /**
   * @param {string} place
   * @param {number} now
   * @param {Verdict} verdict
   */
  write(place, now, { trials, holdMs }) {
    const failed = Object.fromEntries([...trials].filter(([, { until }]) => until > 0).map(([name, { until, restMs }]) => [name, [Math.round(until), restMs]]));
    const entries = this.#entries(now);
    entries.delete(place);
    const hold = holdMs < Infinity ? Math.round(holdMs) : undefined;
    if (hold || Object.keys(failed).length > 0) entries.set(place, { at: Math.round(now), failed, hold });
    const places = Object.fromEntries([...entries].slice(-MOST_PLACES));
    try {
      if (entries.size > 0) this.#storage?.setItem(KEY, JSON.stringify({ version: VERSION, places }));
      else this.#storage?.removeItem(KEY);
    } catch {
      // Full, or forbidden: then nothing is remembered.
    }
  }

  /** @param {number} now @returns {Map<string, any>} Oldest first. */
  #entries(now) {
    try {
      const text = this.#storage?.getItem(KEY) ?? "{}";
      const { version, places } = text.length > MOST_TEXT ? {} : JSON.parse(text);
      if (version !== VERSION) return new Map();
      const entries = Object.entries(places).filter(([, entry]) => entry?.at <= now && entry.at > now - OLDEST_MS);
      return new Map(entries.sort(([, a], [, b]) => a.at - b.at));
    } catch {
      return new Map();
    }
  }
}

/** @param {unknown} value @returns {number[]} It, if it is a list of positive numbers. */
function numbers(value) {
  return Array.isArray(value) && value.every((each) => Number.isFinite(each) && each > 0) ? value : [];
}
