/**
 * @file Which channels this client wants and which of its listeners the server knows about; fan-out of deliveries to them.
 * It asks for nothing itself: `courier.js` takes what is due and reports what came of it. A new session makes everything due again.
 */
import { matchingNames } from "./channel.js";
import { CometError } from "./error.js";

/** @typedef {import("./subscription.js").Subscription} Subscription */

/**
 * One channel or pattern and its listeners.
 * @typedef {object} Interest
 * @property {string} channel
 * @property {Set<Subscription>} listeners
 * @property {boolean} [known] Whether the server may deliver it.
 * @property {boolean} [asking] Whether a message about it is on its way.
 * @property {Subscription[]} asked Those it is asked for: all that ask for the same.
 */

/** The table of interests of one client. */
export class Interests {
  /** How often the server has accepted something. */
  accepted = 0;
  /** @type {Map<string, Interest>} */
  #table = new Map();
  /** @type {Set<Interest>} */
  #due = new Set();

  /** @param {Subscription} subscription */
  add(subscription) {
    const { channel } = subscription;
    let interest = this.#table.get(channel);
    if (!interest) {
      interest = { channel, listeners: new Set(), asked: [] };
      this.#table.set(channel, interest);
    }
    // Who wants the past has to ask for it; the others hear with those who are there.
    const other = [...interest.listeners].find(({ accepted }) => accepted);
    if (other && subscription.since === undefined) subscription.join(other);
    interest.listeners.add(subscription);
    this.#settle(interest);
  }

  /** @param {Subscription} subscription */
  remove(subscription) {
    const interest = this.#table.get(subscription.channel);
    if (interest?.listeners.has(subscription)) this.refuse(interest, new CometError("closed"), [subscription]);
  }

  /** @returns {Interest | undefined} The next one to subscribe to (somebody is asked for) or to unsubscribe from (nobody is). */
  get next() {
    const interest = this.#due.values().next().value;
    if (interest) {
      const [first, ...others] = [...interest.listeners].filter(({ accepted }) => !accepted);
      const text = JSON.stringify(first?.ext);
      interest.asked = first ? [first, ...others.filter(({ ext }) => JSON.stringify(ext) === text)] : [];
    }
    return interest;
  }

  /** Whether a listener was promised the past and has not got it yet. */
  get catchingUp() {
    return this.#listeners.some((listener) => listener.catchingUp);
  }

  /** @param {Interest} interest A message about it is on its way. */
  onAsked(interest) {
    interest.asking = true;
    interest.known = true;
    this.#due.delete(interest);
  }

  /**
   * The server has done what it was asked.
   * @param {Interest} interest
   * @param {Record<string, any>} ext Of its reply.
   */
  onAnswered(interest, ext) {
    interest.asking = false;
    interest.known = interest.asked.length > 0;
    this.accepted += 1;
    for (const listener of interest.asked) if (interest.listeners.has(listener)) listener.onAccepted(this.accepted, ext);
    this.#settle(interest);
  }

  /** @param {Interest} interest The answer was lost: say again what is wanted. Both verbs may be repeated. */
  onLost(interest) {
    interest.asking = false;
    this.#settle(interest);
  }

  /**
   * A connect was answered that left after the server had accepted so often.
   * @param {number} accepted
   * @param {number | undefined} time Everything older was sent before.
   */
  onConnected(accepted, time) {
    for (const listener of this.#listeners) {
      if (listener.accepted && listener.accepted <= accepted) listener.onCaughtUp(time);
    }
  }

  /** @param {Interest} interest @param {CometError} error The server will not have those it was asked for. */
  onRefused(interest, error) {
    interest.asking = false;
    interest.known = [...interest.listeners].some(({ accepted }) => accepted);
    this.refuse(interest, error, interest.asked);
  }

  /**
   * These hear no more.
   * @param {Interest} interest
   * @param {CometError} error
   * @param {Iterable<Subscription>} listeners
   */
  refuse(interest, error, listeners) {
    const ended = [...listeners];
    for (const listener of ended) interest.listeners.delete(listener);
    this.#settle(interest);
    for (const listener of ended) listener.onEnded(error);
  }

  /** The session is gone, and with it all the server knew. */
  forget() {
    for (const listener of this.#listeners) listener.onForgotten();
    for (const interest of [...this.#table.values()]) {
      interest.known = interest.asking = false;
      this.#settle(interest);
    }
  }

  /** @param {CometError} error Ends every listener. */
  clear(error) {
    this.forget();
    for (const interest of [...this.#table.values()]) this.refuse(interest, error, interest.listeners);
  }

  /** @param {import("./message.js").Event} event Goes to every listener whose channel or pattern matches. */
  deliver(event) {
    this.#each(event.channel, (listener) => listener.deliver(event));
  }

  /** @param {unknown} gaps What can no longer be had: a position for each channel. */
  onGaps(gaps) {
    for (const [channel, position] of Object.entries(gaps ?? {})) this.#each(channel, (listener) => listener.onGap(channel, position));
  }

  /** @returns {Subscription[]} */
  get #listeners() {
    return [...this.#table.values()].flatMap(({ listeners }) => [...listeners]);
  }

  /**
   * @param {string} channel
   * @param {(listener: Subscription) => void} run
   */
  #each(channel, run) {
    for (const name of matchingNames(channel)) {
      const interest = this.#table.get(name);
      if (interest) for (const listener of [...interest.listeners]) if (interest.listeners.has(listener)) run(listener);
    }
  }

  /** @param {Interest} interest Puts it where its state says it belongs. */
  #settle(interest) {
    const { channel, listeners, known, asking } = interest;
    const wanted = listeners.size > 0;
    if (!asking && (wanted ? [...listeners].some(({ accepted }) => !accepted) : known)) this.#due.add(interest);
    else this.#due.delete(interest);
    if (!wanted && !known) this.#table.delete(channel);
  }
}
