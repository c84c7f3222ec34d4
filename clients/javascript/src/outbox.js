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
   * @param {Exchange} exchange
   * @throws {CometError} `queue_full`.
   */
  push(exchange) {
    if (this.#queue.length >= this.#mostMessages || this.#bytes + exchange.bytes > this.#mostBytes) throw new CometError("queue_full");
    this.#queue.push(exchange);
    this.#bytes += exchange.bytes;
  }

  /** @param {Exchange} exchange Was sent but certainly not processed: it waits again, in the order of the ids. */
  putBack(exchange) {
    const place = this.#queue.findIndex(({ id }) => Number(id) > Number(exchange.id));
    this.#queue.splice(place < 0 ? this.#queue.length : place, 0, exchange);
    this.#bytes += exchange.bytes;
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

  /**
   * @param {import("./transport/transport.js").Limits} limits
   * @param {string | undefined} clientId
   */
  constructor(limits, clientId) {
    this.#limits = limits;
    this.#suffix = clientId === undefined ? "}" : `,"clientId":${JSON.stringify(clientId)}}`;
  }

  /**
   * Adds a message if it fits beside the others.
   * @param {Exchange} exchange
   * @returns {boolean}
   * @throws {CometError} `message_too_large` when it cannot fit alone either.
   */
  add(exchange) {
    const text = exchange.text.slice(0, -1) + this.#suffix;
    const cost = (this.#limits.cost ?? byteLength)(`${text},`);
    if (cost > this.#limits.mostAlone) throw new CometError("message_too_large");
    const fits = this.messages.length < this.#limits.mostMessages && this.#cost + cost <= this.#limits.mostTogether;
    if (!fits && this.messages.length > 0) return false;
    this.messages.push({ exchange, id: exchange.id, text });
    this.#cost += cost;
    return true;
  }
}
