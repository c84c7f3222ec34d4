/**
 * @file What a user holds after `subscribe`: one callback on one channel or pattern, and how far it has read.
 * Several of these share one server subscription, which is `interest.js`'s business. Deliveries come in through `deliver`.
 */
import { Trail } from "./trail.js";

/**
 * @typedef {object} SubscribeOptions
 * @property {unknown} [since] Where to start in the channel's history: a position seen earlier, or what else the server understands.
 * @property {Record<string, unknown>} [ext] Goes with the subscribe message.
 */

/**
 * @typedef {object} Owner
 * @property {(subscription: Subscription) => void} remove
 * @property {(error: unknown) => void} onThrow
 */

/** One listener. Made by `Comet.subscribe`. */
export class Subscription {
  #callback;
  #owner;
  #trail = new Trail();
  /** @type {(value: Subscription) => void} */
  #resolve = () => {};
  /** @type {(error: unknown) => void} */
  #reject = () => {};
  /** @type {(error: import("./error.js").CometError) => void} */
  #resolveEnded = () => {};

  /**
   * @param {string} channel
   * @param {(event: import("./message.js").Event) => void} callback
   * @param {SubscribeOptions} options
   * @param {Owner} owner
   */
  constructor(channel, callback, options, owner) {
    /** The channel or pattern. @readonly */
    this.channel = channel;
    /** @readonly */
    this.options = options;
    this.#callback = callback;
    this.#owner = owner;
    /**
     * Resolves with this subscription when the server has accepted it, rejects with a `CometError` when it refuses or when the
     * subscription is given up before. A refusal is also an "error" event, so nobody has to wait here.
     * @type {Promise<Subscription>}
     * @readonly
     */
    this.ready = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.ready.catch(() => {});
    /**
     * Resolves with the reason when this listener will hear no more.
     * @type {Promise<import("./error.js").CometError>}
     * @readonly
     */
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
  }

  /** Last position seen on this channel; for a pattern, and before the first delivery with a position, nothing. */
  get position() {
    return this.#trail.last(this.channel);
  }

  /** Where the server should resume. @returns {unknown} */
  get resumeFrom() {
    return this.position ?? this.options.since;
  }

  /** Ends this listener. Does nothing the second time. */
  unsubscribe() {
    this.#owner.remove(this);
  }

  /** Lets `using` end the subscription. */
  [Symbol.dispose]() {
    this.unsubscribe();
  }

  /**
   * Hands an event to the callback, once.
   * @param {import("./message.js").Event} event
   */
  deliver(event) {
    if (event.position && !this.#trail.onPosition(event.channel, event.position)) return;
    try {
      this.#callback(event);
    } catch (error) {
      this.#owner.onThrow(error);
    }
  }

  /** The server has accepted. */
  onAccepted() {
    this.#resolve(this);
  }

  /**
   * The server has refused, or nobody waits any more.
   * @param {import("./error.js").CometError} error
   */
  onEnded(error) {
    this.#reject(error);
    this.#resolveEnded(error);
  }
}
