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

/** @typedef {{ until: number, restMs: number, strikes: number }} Trial */

/** The choice of one client. */
export class Choice {
  order;
  #restMs;
  /** @type {readonly string[] | undefined} */
  #supported;
  /** What has failed, by name. @type {Map<string, Trial>} */
  trials = new Map();

  /**
   * @param {readonly string[]} order Usable transports, best first.
   * @param {number} restMs How long a failed transport is left alone the first time; doubles up to ten minutes.
   */
  constructor(order, restMs) {
    this.order = order;
    this.#restMs = restMs;
  }

  /** @returns {readonly string[]} What may be used at all, best first. */
  get usable() {
    return this.order.filter((name) => this.#supported?.includes(name) ?? true);
  }

  /** @param {unknown} names What the server says it supports; anything but a list says nothing. */
  onSupported(names) {
    this.#supported = Array.isArray(names) ? names : undefined;
  }

  /**
   * @param {number} now
   * @param {boolean} [secret] Whether it must be able to carry a token.
   * @returns {string | undefined} The best one that is not resting.
   */
  next(now, secret = false) {
    return this.usable.find((name) => (this.trials.get(name)?.until ?? 0) <= now && !(secret && isPublic(name)));
  }

  /**
   * @param {string} name
   * @param {number} now
   * @param {boolean} worked Whether it had worked for a moment; then it gets another chance, a few times.
   */
  onFailure(name, now, worked) {
    const trial = this.trials.get(name) ?? { until: 0, restMs: this.#restMs, strikes: 0 };
    this.trials.set(name, trial);
    trial.strikes += 1;
    if (worked && trial.strikes < MOST_STRIKES) return;
    trial.until = now + trial.restMs;
    trial.restMs = Math.min(trial.restMs * 2, LONGEST_REST_MS);
    trial.strikes = 0;
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
    const { load } = await import("./loaded.js");
    return await load(name, parts);
  } catch (cause) {
    throw new CometError("transport_failed", { cause });
  }
}
