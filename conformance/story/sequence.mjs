// What arrived of a numbered run of messages: which numbers are lost, came twice or came out of order.
// Knows nothing of clients or servers; the story feeds it and asks for its verdict.

export class Sequence {
  #seen = [];
  #wanted;
  #done;
  #resolve;

  /** @param {number} wanted how many distinct numbers, 0 to wanted - 1, have to arrive */
  constructor(wanted) {
    this.#wanted = wanted;
    this.#done = new Promise((resolve) => (this.#resolve = resolve));
  }

  /** @param {number} number the number a delivery carries */
  add(number) {
    this.#seen.push(number);
    if (new Set(this.#seen).size >= this.#wanted) this.#resolve();
  }

  /** Resolves as soon as every number has been seen at least once. */
  get complete() {
    return this.#done;
  }

  /** Says in words what is wrong, or returns an empty string when all came once and in order. */
  fault() {
    const counts = new Map();
    for (const number of this.#seen) counts.set(number, (counts.get(number) ?? 0) + 1);
    const lost = [];
    for (let number = 0; number < this.#wanted; number++) if (!counts.has(number)) lost.push(number);
    const twice = [...counts].filter(([, count]) => count > 1).map(([number]) => number);
    const late = this.#seen.filter((number, index) => index > 0 && number < this.#seen[index - 1]);
    const strange = [...counts.keys()].filter((number) => !(number >= 0 && number < this.#wanted));
    const part = (name, list) => (list.length ? `${list.length} ${name} (first: ${list[0]})` : "");
    return [part("lost", lost), part("repeated", twice), part("out of order", late), part("unknown", strange)]
      .filter(Boolean)
      .join(", ");
  }
}
