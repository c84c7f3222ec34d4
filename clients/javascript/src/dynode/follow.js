/**
 * @file Elements that follow a channel: what is published there changes them as an answer would, but makes them follow nothing else.
 * One channel an element, a bounded number of elements; those that have left the page follow no more.
 */

const MOST_FOLLOWING = 64;

/** Who follows what on one page. */
export class Follower {
  #comet;
  #apply;
  /** @type {Map<Element, { channel: string, subscription: { unsubscribe: () => void } }>} */
  #following = new Map();

  /**
   * @param {Pick<import("../comet.js").Comet, "subscribe">} comet
   * @param {(element: Element, answer: unknown) => void} apply
   */
  constructor(comet, apply) {
    this.#comet = comet;
    this.#apply = apply;
  }

  /**
   * @param {Element} element
   * @param {string} channel Published on it: `{"operations":[…]}`, none of them `subscribe`; anything else becomes the element's text.
   */
  follow(element, channel) {
    if (this.#following.get(element)?.channel === channel) return;
    this.#leave(element);
    if (this.#following.size >= MOST_FOLLOWING) this.#sweep();
    if (this.#following.size >= MOST_FOLLOWING) throw new RangeError("too many elements follow channels");
    const subscription = this.#comet.subscribe(channel, ({ data }) => this.#onEvent(element, data));
    this.#following.set(element, { channel, subscription });
  }

  close() {
    for (const element of [...this.#following.keys()]) this.#leave(element);
  }

  /**
   * @param {Element} element
   * @param {any} data
   */
  #onEvent(element, data) {
    if (!element.isConnected) return this.#leave(element);
    const operations = Array.isArray(data?.operations) ? data.operations.filter((/** @type {any} */ operation) => operation?.op !== "subscribe") : undefined;
    this.#apply(element, { operations: operations ?? [{ op: "setText", text: typeof data === "string" ? data : JSON.stringify(data) }] });
  }

  /** @param {Element} element */
  #leave(element) {
    this.#following.get(element)?.subscription.unsubscribe();
    this.#following.delete(element);
  }

  #sweep() {
    for (const element of [...this.#following.keys()]) if (!element.isConnected) this.#leave(element);
  }
}
