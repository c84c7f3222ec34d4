/**
 * @file Which channels this client wants and which of them the server knows about; fan-out of deliveries to local listeners.
 * It asks for nothing itself: `courier.js` takes what is due and reports what came of it. A new session makes everything due again.
 */
import { isPattern, matchingNames } from "./channel.js";
import { CometError } from "./error.js";

/**
 * One channel or pattern and its listeners.
 * @typedef {object} Interest
 * @property {string} channel
 * @property {Set<import("./subscription.js").Subscription>} listeners
 * @property {"absent" | "asking" | "held"} server What the server knows.
 * @property {boolean} renew Whether history was asked for after the message on its way was written.
 */

/** The table of interests of one client. */
export class Interests {
  /** @type {Map<string, Interest>} */
  #table = new Map();
  /** @type {Set<Interest>} */
  #due = new Set();
  #patterns = 0;

  /** @param {import("./subscription.js").Subscription} subscription */
  add(subscription) {
    const { channel } = subscription;
    let interest = this.#table.get(channel);
    if (!interest) {
      interest = { channel, listeners: new Set(), server: "absent", renew: false };
      this.#table.set(channel, interest);
      if (isPattern(channel)) this.#patterns += 1;
    }
    interest.listeners.add(subscription);
    // History asked for by a later listener has to be asked for again; the others skip what they have seen.
    if (subscription.options.since !== undefined) {
      if (interest.server === "held") interest.server = "absent";
      if (interest.server === "asking") interest.renew = true;
    }
    if (interest.server === "held") subscription.onAccepted();
    this.#settle(interest);
  }

  /**
   * @param {import("./subscription.js").Subscription} subscription
   * @returns {boolean} Whether it was there.
   */
  remove(subscription) {
    const interest = this.#table.get(subscription.channel);
    if (!interest?.listeners.delete(subscription)) return false;
    subscription.onEnded(new CometError("closed", { message: "The subscription was given up." }));
    this.#settle(interest);
    return true;
  }

  /** @returns {Interest | undefined} The next one to subscribe to (it has listeners) or to unsubscribe from (it has none). */
  get next() {
    return this.#due.values().next().value;
  }

  /** @param {Interest} interest A message about it is on its way. */
  onAsked(interest) {
    interest.server = "asking";
    interest.renew = false;
    this.#due.delete(interest);
  }

  /**
   * @param {Interest} interest
   * @param {boolean} held Whether the server now delivers the channel.
   */
  onAnswered(interest, held) {
    if (interest.server !== "asking") return;
    interest.server = held && !interest.renew ? "held" : "absent";
    if (interest.server === "held") for (const listener of interest.listeners) listener.onAccepted();
    this.#settle(interest);
  }

  /** @param {Interest} interest The answer was lost: say again what is wanted. Both verbs may be repeated. */
  onLost(interest) {
    if (interest.server !== "asking") return;
    interest.server = interest.listeners.size > 0 ? "absent" : "held";
    this.#settle(interest);
  }

  /**
   * The server will not have it: every listener of the channel ends.
   * @param {Interest} interest
   * @param {CometError} error
   */
  refuse(interest, error) {
    const listeners = [...interest.listeners];
    interest.listeners.clear();
    interest.server = "absent";
    this.#settle(interest);
    for (const listener of listeners) listener.onEnded(error);
  }

  /** The session is gone, and with it all the server knew. */
  forget() {
    for (const interest of [...this.#table.values()]) {
      interest.server = "absent";
      this.#settle(interest);
    }
  }

  /** @param {CometError} error Ends every listener. */
  clear(error) {
    for (const interest of [...this.#table.values()]) this.refuse(interest, error);
  }

  /** @param {import("./message.js").Event} event Goes to every listener whose channel or pattern matches. */
  deliver(event) {
    const names = this.#patterns > 0 ? matchingNames(event.channel) : [event.channel];
    for (const name of names) {
      const interest = this.#table.get(name);
      if (interest) for (const listener of [...interest.listeners]) if (interest.listeners.has(listener)) listener.deliver(event);
    }
  }

  /** @param {Interest} interest Puts it where its state says it belongs. */
  #settle(interest) {
    const wanted = interest.listeners.size > 0;
    if (wanted ? interest.server === "absent" : interest.server === "held") this.#due.add(interest);
    else this.#due.delete(interest);
    if (!wanted && interest.server === "absent" && this.#table.delete(interest.channel) && isPattern(interest.channel)) this.#patterns -= 1;
  }
}

/**
 * The point from which the server should replay so that no listener misses anything.
 * @param {Interest} interest
 * @returns {unknown}
 */
export function resumePoint(interest) {
  /** @type {any} */
  let earliest;
  for (const { resumeFrom } of interest.listeners) {
    const from = /** @type {any} */ (resumeFrom);
    if (from === undefined) continue;
    if (earliest === undefined || (from.epoch === earliest.epoch && from.offset < earliest.offset)) earliest = from;
  }
  return earliest;
}
