/**
 * @file Deliveries as an async iterator that stops the server while its reader is behind: `/comet/paced.js`. When as many wait as may,
 * the subscription is given up and its position kept; when the reader has come half way it is made again from there. So a stuck reader
 * costs neither memory nor wire, and others on the same connection go on undisturbed. It asks of a client only that it can subscribe.
 */
import { isPattern } from "./channel.js";
import { CometError } from "./error.js";

/** Positions after which a pattern no longer knows all of its own. */
const MOST_POSITIONS = 256;

/**
 * @typedef {import("./message.js").Event} Event
 * @typedef {import("./subscription.js").Subscription} Subscription
 * @typedef {import("./subscription.js").SubscribeOptions & { limit?: number }} PacedOptions
 * @typedef {{ subscribe: (channel: string, callback: (event: Event) => void, options?: import("./subscription.js").SubscribeOptions) => Subscription }} Client
 */

/**
 * @param {Client} comet A `Comet` or a `SharedComet`.
 * @param {string} channel A channel or a pattern.
 * @param {PacedOptions} [options] `limit` is how many deliveries may wait, 1,000 unless given; what comes at once may be more.
 * @returns {PacedStream}
 */
export function paced(comet, channel, { limit = 1_000, ...options } = {}) {
  return new PacedStream(comet, channel, limit, options);
}

/**
 * The deliveries. Events: "gap" as that of a subscription, "pause" when nothing is asked for any more, "resume" when it is again.
 * @implements {AsyncIterableIterator<Event>}
 */
export class PacedStream extends EventTarget {
  #comet;
  #channel;
  #limit;
  #options;
  /** @type {Event[]} */
  #queue = [];
  /** @type {((result: IteratorResult<Event, undefined> | Promise<IteratorResult<Event, undefined>>) => void)[]} */
  #readers = [];
  /** @type {Subscription | undefined} */
  #subscription;
  /** From where it goes on, while it is paused. @type {unknown} */
  #since;
  #full = false;
  #done = false;
  /** @type {CometError | undefined} */
  #error;

  /**
   * @param {Client} comet
   * @param {string} channel
   * @param {number} limit
   * @param {import("./subscription.js").SubscribeOptions} options
   */
  constructor(comet, channel, limit, options) {
    super();
    this.#comet = comet;
    this.#channel = channel;
    this.#limit = limit;
    this.#options = options;
    const subscription = this.#listen(options.since);
    /** Resolves when the server has accepted it the first time, rejects when it refuses. @type {Promise<unknown>} @readonly */
    this.ready = subscription.ready;
  }

  /** Whether nothing is asked for, because too much waits to be read. */
  get paused() {
    return !this.#done && this.#subscription === undefined;
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  /** @returns {Promise<IteratorResult<Event, undefined>>} */
  async next() {
    const event = this.#queue.shift();
    if (this.paused && this.#queue.length <= this.#limit / 2) this.#resume();
    if (event) return { done: false, value: event };
    return this.#done ? this.#last() : new Promise((resolve) => this.#readers.push(resolve));
  }

  /** @returns {Promise<IteratorResult<Event, undefined>>} */
  return() {
    this.#queue = [];
    this.#end();
    this.#error = undefined;
    return this.#last();
  }

  /** @param {any} since @returns {Subscription} */
  #listen(since) {
    const subscription = this.#comet.subscribe(this.#channel, (event) => this.#onEvent(event), { ...this.#options, since });
    this.#subscription = subscription;
    subscription.addEventListener("gap", (event) => this.#tell("gap", /** @type {CustomEvent} */ (event).detail));
    subscription.ended.then((error) => {
      if (subscription === this.#subscription) this.#end(error);
    });
    return subscription;
  }

  /** @param {Event} event */
  #onEvent(event) {
    const reader = this.#readers.shift();
    if (reader) return reader({ done: false, value: event });
    this.#queue.push(event);
    if (this.#full || this.#queue.length < this.#limit) return undefined;
    this.#full = true;
    // What has come together with this one is here already and is not asked for again.
    return queueMicrotask(() => this.#pause());
  }

  #pause() {
    const subscription = this.#subscription;
    this.#full = false;
    if (this.#done || !subscription || this.#queue.length < this.#limit) return;
    this.#since = subscription.since;
    // A server that names no positions cannot go on where it has stopped.
    if (this.#since === undefined) return this.#end(new CometError("queue_full"));
    this.#subscription = undefined;
    subscription.unsubscribe();
    this.#tell("pause");
  }

  #resume() {
    const since = /** @type {any} */ (this.#since);
    try {
      this.#listen(since);
    } catch (error) {
      return this.#end(/** @type {CometError} */ (error));
    }
    this.#tell("resume");
    // Channels that were forgotten may have said something that cannot be asked for.
    if (isPattern(this.#channel) && Object.keys(since.positions ?? {}).length >= MOST_POSITIONS) this.#tell("gap", { channel: this.#channel });
  }

  /** @param {CometError} [error] What the reader meets after the queue, unless the stream was simply closed. */
  #end(error) {
    if (this.#done) return;
    this.#done = true;
    this.#error = error?.code === "closed" ? undefined : error;
    this.#subscription?.unsubscribe();
    for (const reader of this.#readers.splice(0)) reader(this.#last());
  }

  /** What comes after all events: an error, once. */
  async #last() {
    const error = this.#error;
    this.#error = undefined;
    if (error) throw error;
    return /** @type {IteratorReturnResult<undefined>} */ ({ done: true, value: undefined });
  }

  /** @param {string} type @param {unknown} [detail] */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
