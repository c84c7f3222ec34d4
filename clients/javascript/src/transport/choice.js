/**
 * @file Which transport to try next: the user's order, less what this platform or the server cannot do, less what has just failed.
 * It opens nothing and waits for nothing. The session reports failures and asks; `make` at the end builds the chosen one.
 */
import { CometError } from "../error.js";
import { LongPollingTransport } from "./long-polling.js";
import { WebSocketTransport } from "./websocket.js";

/** Short-lived connections in a row after which a transport counts as failed. */
const MOST_STRIKES = 3;
const LONGEST_REST_MS = 600_000;

/** @typedef {{ until: number, restMs: number, strikes: number }} Record */

/** The choice of one client. */
export class Choice {
  #order;
  #restMs;
  /** @type {readonly string[] | undefined} */
  #supported;
  /** @type {string | undefined} */
  #preferred;
  /** @type {Map<string, Record>} */
  #records = new Map();

  /**
   * @param {readonly string[]} order Usable transports, best first.
   * @param {number} restMs How long a failed transport is left alone the first time; doubles up to ten minutes.
   */
  constructor(order, restMs) {
    this.#order = order;
    this.#restMs = restMs;
  }

  /** @returns {readonly string[]} What may be used at all, best first. */
  get usable() {
    const names = this.#order.filter((name) => this.#supported?.includes(name) ?? true);
    const preferred = this.#preferred;
    return preferred && names.includes(preferred) ? [preferred, ...names.filter((name) => name !== preferred)] : names;
  }

  /** @param {unknown} names What the server says it supports; anything but a list says nothing. */
  onSupported(names) {
    this.#supported = Array.isArray(names) ? names : undefined;
  }

  /** @param {string} name The user's wish, first from now on. */
  prefer(name) {
    this.#preferred = name;
    this.#records.delete(name);
  }

  /**
   * @param {number} now
   * @param {boolean} [secret] Whether it must be able to carry a token.
   * @returns {string | undefined} The best one that is not resting.
   */
  next(now, secret = false) {
    return this.usable.find((name) => (this.#records.get(name)?.until ?? 0) <= now && !(secret && isPublic(name)));
  }

  /** Nothing answers, so the failures say nothing about the transports: all may be tried again. */
  forgive() {
    this.#records.clear();
  }

  /**
   * @param {string} name
   * @param {number} now
   * @param {boolean} worked Whether it had worked for a moment; then it gets another chance, a few times.
   */
  onFailure(name, now, worked) {
    const record = this.#records.get(name) ?? { until: 0, restMs: this.#restMs, strikes: 0 };
    this.#records.set(name, record);
    record.strikes += 1;
    if (worked && record.strikes < MOST_STRIKES) return;
    record.until = now + record.restMs;
    record.restMs = Math.min(record.restMs * 2, LONGEST_REST_MS);
    record.strikes = 0;
  }

  /** @param {string} name It has worked for long. */
  onSuccess(name) {
    this.#records.delete(name);
  }

  /**
   * @param {string} name The transport in use.
   * @param {number} now
   * @returns {{ name: string, delayMs: number } | undefined} A better one, and when it may be tried.
   */
  better(name, now) {
    const best = this.usable[0];
    if (best === undefined || best === name) return undefined;
    return { name: best, delayMs: Math.max((this.#records.get(best)?.until ?? 0) - now, 0) };
  }
}

/**
 * @param {string} name
 * @returns {boolean} Whether what it sends stands in addresses, where logs keep it. No token may be sent that way.
 */
export function isPublic(name) {
  return name === "callback-polling";
}

/**
 * @param {string} name
 * @param {import("./transport.js").Parts} parts
 * @returns {Promise<import("./transport.js").Transport>}
 */
export async function make(name, parts) {
  if (name === "websocket") return new WebSocketTransport(parts);
  if (name === "long-polling") return new LongPollingTransport(parts);
  try {
    const { CallbackPollingTransport } = await import("./callback-polling.js");
    return new CallbackPollingTransport(parts);
  } catch (cause) {
    throw new CometError("transport_failed", { cause });
  }
}
