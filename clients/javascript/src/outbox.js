/**
 * @file Messages not yet handed to any wire, in order, bounded in count and bytes; and the batch a wire takes at once.
 * Nothing here knows what the messages mean. `Comet` fills it through the courier, the courier empties it into batches.
 */
import { byteLength } from "./message.js";
import { CometError } from "./error.js";

/** @typedef {import("./exchange.js").Exchange} Exchange */

/** The queue. */
export class Outbox {
  /** @type {Exchange[]} */
  #queue = [];
  #bytes = 0;
  #mostMessages;
  #mostBytes;

  /**
   * @param {number} mostMessages
   * @param {number} mostBytes
   */
  constructor(mostMessages, mostBytes) {
    this.#mostMessages = mostMessages;
    this.#mostBytes = mostBytes;
  }

  /** @returns {Exchange | undefined} */
  get first() {
    return this.#queue[0];
  }

  /**
   * @param {Exchange} exchange Waits in the order of the ids, as it did before if it was sent already.
   * @param {boolean} [always] Whether there is room in any case.
   * @returns {boolean} Whether there is room.
   */
  push(exchange, always = false) {
    const full = this.#queue.length >= this.#mostMessages || this.#bytes + exchange.bytes > this.#mostBytes;
    if (full && !always) return false;
    this.#queue.splice(this.#queue.findLastIndex(({ id }) => Number(id) < Number(exchange.id)) + 1, 0, exchange);
    this.#bytes += exchange.bytes;
    return true;
  }

  /** @param {string} id */
  has(id) {
    return this.#queue.some((exchange) => exchange.id === id);
  }

  /** @param {Exchange} exchange Leaves the queue, if it is there. */
  remove(exchange) {
    const place = this.#queue.indexOf(exchange);
    if (place < 0) return;
    this.#queue.splice(place, 1);
    this.#bytes -= exchange.bytes;
  }

  /** @param {CometError} error Everything that waits is given up. */
  lose(error) {
    const lost = this.#queue;
    this.#queue = [];
    this.#bytes = 0;
    for (const exchange of lost) exchange.onLost(error);
  }
}

/** What one request or frame carries. */
export class Batch {
  /** @type {{ exchange: Exchange, id: string, text: string }[]} */
  messages = [];
  #cost = 0;
  #limits;
  #suffix;
  #keyed;

  /**
   * @param {import("./transport/transport.js").Limits} limits
   * @param {string | undefined} clientId
   * @param {boolean} [keyed] Whether publications carry their keys, as to servers that count and take parts.
   */
  constructor(limits, clientId, keyed = false) {
    this.#limits = limits;
    this.#keyed = keyed;
    this.#suffix = clientId === undefined ? "}" : `,"clientId":${JSON.stringify(clientId)}}`;
  }

  /**
   * Adds a message if it fits beside the others.
   * @param {Exchange} exchange
   * @returns {boolean}
   * @throws {CometError} `message_too_large` when it cannot fit alone either, and the server takes no parts.
   */
  add(exchange) {
    const ext = this.#keyed && exchange.ext ? `,"ext":${JSON.stringify(exchange.ext)}` : "";
    const text = exchange.text.slice(0, -1) + ext + this.#suffix;
    const cost = (this.#limits.cost ?? byteLength)(`${text},`);
    if (cost > this.#limits.mostAlone && !this.#keyed) throw new CometError("message_too_large");
    const { length } = this.messages;
    if (length > 0 && (length >= this.#limits.mostMessages || this.#cost + cost > this.#limits.mostTogether)) return false;
    this.messages.push({ exchange, id: exchange.id, text });
    this.#cost += cost;
    return true;
  }
}
