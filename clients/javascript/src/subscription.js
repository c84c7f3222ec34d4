/**
 * @file What a user holds after `subscribe`: one callback on one channel or pattern, and how far it has read.
 * Several of these share one server subscription, which is `interest.js`'s business. Deliveries come in through `deliver`. Who asks for
 * the past hears nothing until it has come: what is published meanwhile waits, so that everything is heard in order.
 */
import { isPattern } from "./channel.js";
import { positionOf } from "./message.js";
import { Trail } from "./trail.js";

/** Events that may wait for older ones. */
const MOST_WAITING = 16_384;

/**
 * @typedef {object} SubscribeOptions
 * @property {import("./since.js").Since} [since] Where to start in the history: a position seen earlier, `{ last: 10 }`, `{ time }` or a
 *   number in unix milliseconds, a `Date`, or how long ago ("10m"; s, m, h, d).
 * @property {Record<string, unknown>} [ext] Goes with the subscribe message.
 */

/**
 * @typedef {object} Owner
 * @property {(subscription: Subscription) => void} remove
 * @property {(error: unknown) => void} onThrow
 * @property {() => number} now By the server's clock.
 */

/**
 * One listener. Made by `Comet.subscribe`.
 *
 * Event "gap", a `CustomEvent`: messages of a channel are missing and no longer to be had. `detail` is `{ channel, position }`: what
 * comes next is what follows that position. Where the server cannot name the channels, `channel` is the pattern and there is no position.
 */
export class Subscription extends EventTarget {
  #callback;
  #owner;
  #wish;
  #trail = new Trail();
  /** Events that must not be heard before older ones. @type {import("./message.js").Event[] | undefined} */
  #waiting;
  /** @type {any} */
  #accept;
  /** @type {any} */
  #end;

  /**
   * @param {string} channel
   * @param {(event: import("./message.js").Event) => void} callback
   * @param {SubscribeOptions} options
   * @param {Owner} owner
   * @param {unknown} [since] The option as the server reads it.
   */
  constructor(channel, callback, options, owner, since) {
    super();
    /** The channel or pattern. @readonly */
    this.channel = channel;
    /** @readonly */
    this.options = options;
    /** Whether everything missed before the server last accepted was brought; nothing where nothing was asked for. @type {boolean | undefined} */
    this.recovered = undefined;
    /** Number of the acceptance by the session; 0 while the server does not know of this listener. */
    this.accepted = 0;
    this.#callback = callback;
    this.#owner = owner;
    this.#wish = since;
    this.onForgotten();
    /**
     * Resolves with the reason when this listener will hear no more.
     * @type {Promise<import("./error.js").CometError>}
     * @readonly
     */
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    /**
     * Resolves with this subscription when the server has accepted it, rejects with a `CometError` when it refuses or when the
     * subscription is given up before. A refusal is also an "error" event, so nobody has to wait here.
     * @type {Promise<Subscription>}
     * @readonly
     */
    this.ready = new Promise((resolve, reject) => {
      this.#accept = resolve;
      this.ended.then(reject);
    });
    this.ready.catch(() => {});
  }

  /** Last position seen on this channel; for a pattern, and before the first delivery with a position, nothing. */
  get position() {
    return this.#trail.last(this.channel);
  }

  /** Where the server should go on. @returns {unknown} */
  get since() {
    return this.#trail.since(this.channel) ?? this.#wish;
  }

  /** What goes with a subscribe message for this listener. */
  get ext() {
    return { ...this.options.ext, since: this.since };
  }

  /** Whether the past was promised and is still on its way. */
  get catchingUp() {
    return this.accepted && this.#waiting;
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
    if (this.#waiting) {
      // More than that is no past any more: what is left out is told.
      if (this.#waiting.push(event) > MOST_WAITING) {
        this.#waiting = [];
        this.#tell({ channel: this.channel });
      }
      return;
    }
    if (event.position && !this.#trail.onPosition(event.channel, event.position, this.#owner.now())) return;
    try {
      this.#callback(event);
    } catch (error) {
      this.#owner.onThrow(error);
    }
  }

  /** The server knows nothing of this listener. */
  onForgotten() {
    this.accepted = 0;
    // What waited is asked for again.
    this.#waiting = this.since === undefined ? undefined : [];
  }

  /**
   * @param {Subscription} other One of the same channel that the server knows of: this one hears what that one hears from now on.
   */
  join(other) {
    this.accepted = other.accepted;
    this.#waiting = other.#waiting && [];
    this.#trail = other.#trail.copy();
    this.#accept(this);
  }

  /**
   * The server has accepted.
   * @param {number} number
   * @param {Record<string, any>} ext Of its reply.
   */
  onAccepted(number, { time, recovered, gaps }) {
    const { unsure } = this.#trail;
    this.accepted = number;
    this.recovered = recovered && !unsure;
    // The channels that can be named have their gaps among the events.
    if (this.recovered === false && (unsure || !gaps || (isPattern(this.channel) && gaps[this.channel]))) this.#tell({ channel: this.channel });
    if (!this.#waiting) this.#trail.onTime(time);
    this.#accept(this);
  }

  /**
   * The past is here.
   * @param {number | undefined} time Everything older has come.
   */
  onCaughtUp(time) {
    this.#release();
    this.#trail.onTime(time);
  }

  /**
   * @param {string} channel
   * @param {unknown} head Where it goes on.
   */
  onGap(channel, head) {
    const position = positionOf({ position: head });
    if (position && !isPattern(channel) && this.#trail.onPosition(channel, position, this.#owner.now())) this.#tell({ channel, position });
  }

  /**
   * The server has refused, or nobody waits any more.
   * @param {import("./error.js").CometError} error
   */
  onEnded(error) {
    this.#callback = () => {};
    this.#end(error);
  }

  #release() {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    waiting.sort((a, b) => (a.position?.offset ?? 0) - (b.position?.offset ?? 0));
    for (const event of waiting) this.deliver(event);
  }

  /** @param {{ channel: string, position?: import("./message.js").Position }} detail */
  #tell(detail) {
    this.dispatchEvent(new CustomEvent("gap", { detail }));
  }
}
