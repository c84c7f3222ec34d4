/**
 * @file Deliveries as an async iterator: a bounded queue between a subscription and a `for await` loop.
 * A reader that falls too far behind is told so by an error; nothing is skipped in silence. Leaving the loop ends the subscription.
 */
import { CometError } from "./error.js";

/** @typedef {import("./message.js").Event} Event */

/** @implements {AsyncIterableIterator<Event>} */
export class MessageStream {
  /** @type {Event[]} */
  #queue = [];
  /** @type {((result: IteratorResult<Event, undefined> | Promise<IteratorResult<Event, undefined>>) => void)[]} */
  #readers = [];
  /** @type {CometError | undefined} */
  #error;
  #done = false;
  #most;

  /**
   * @param {(callback: (event: Event) => void) => import("./subscription.js").Subscription} subscribe
   * @param {number} most Events that may wait for the reader.
   */
  constructor(subscribe, most) {
    this.#most = most;
    /** What tells of gaps, and how far it has come. @readonly */
    this.subscription = subscribe((event) => this.#onEvent(event));
    this.subscription.ended.then((error) => this.#end(error));
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  /** @returns {Promise<IteratorResult<Event, undefined>>} */
  async next() {
    const event = this.#queue.shift();
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

  /** @param {Event} event */
  #onEvent(event) {
    if (this.#done) return;
    const reader = this.#readers.shift();
    if (reader) reader({ done: false, value: event });
    else if (this.#queue.length < this.#most) this.#queue.push(event);
    else this.#end(new CometError("queue_full"));
  }

  /** @param {CometError} [error] What the reader meets after the queue, unless the stream was simply closed. */
  #end(error) {
    if (this.#done) return;
    this.#done = true;
    this.#error = error?.code === "closed" ? undefined : error;
    this.subscription.unsubscribe();
    for (const reader of this.#readers.splice(0)) reader(this.#last());
  }

  /** What comes after all events: an error, once. */
  async #last() {
    const error = this.#error;
    this.#error = undefined;
    if (error) throw error;
    return /** @type {IteratorReturnResult<undefined>} */ ({ done: true, value: undefined });
  }
}
