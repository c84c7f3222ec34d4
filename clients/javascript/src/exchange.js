/**
 * @file Messages that are on their way and await a reply, found again by their id, each with a deadline.
 * What a reply means is told by the exchange's own functions; the table only finds, times and loses. Filled and emptied by `courier.js`.
 */

/**
 * One message and what becomes of it. One of the two functions is called, once.
 * @typedef {object} Exchange
 * @property {string} id
 * @property {string} text JSON of the message without its clientId.
 * @property {number} bytes
 * @property {number} attempts How often it was handed to a wire.
 * @property {number} sentAt When it was first handed to a wire.
 * @property {import("./comet.js").PublishOptions} [ext] What a server that counts is told of a publication.
 * @property {import("./error.js").CometError} [lost] Why it is sent once more.
 * @property {unknown} [timer] Ends the wait to be sent once more.
 * @property {string} [clientId] Session it was last sent for.
 * @property {import("./transport/transport.js").Transport} [wire] What it was last handed to.
 * @property {(value?: unknown) => void} [onOver] It has left the table.
 * @property {unknown} [silence] Tells that wire when the reply is late.
 * @property {(reply: import("./message.js").Message) => void} onReply
 * @property {(error: import("./error.js").CometError) => void} onLost No reply will come.
 */

/** The table of one client. */
export class Exchanges {
  /** By id. @type {Map<string, Exchange>} */
  table = new Map();
  #clock;

  /** @param {import("./scheduler/clock.js").Clock} clock */
  constructor(clock) {
    this.#clock = clock;
  }

  /**
   * Notes that an exchange was handed to a wire. When no reply comes in time the wire is told.
   * @param {Exchange} exchange
   * @param {import("./transport/transport.js").Transport} wire
   * @param {string | undefined} clientId
   * @param {number} timeoutMs
   */
  add(exchange, wire, clientId, timeoutMs) {
    exchange.attempts += 1;
    exchange.clientId = clientId;
    if (exchange.attempts === 1) exchange.sentAt = this.#clock.now();
    exchange.wire = wire;
    exchange.silence = this.#clock.setTimeout(() => wire.onSilence(exchange.id), timeoutMs);
    this.table.set(exchange.id, exchange);
  }

  /**
   * @param {unknown} id
   * @returns {Exchange | undefined} It is no longer in the table.
   */
  take(id) {
    const exchange = this.table.get(String(id));
    this.table.delete(String(id));
    this.#clock.clearTimeout(exchange?.silence);
    exchange?.onOver?.();
    return exchange;
  }

  /** @param {string} id */
  has(id) {
    return this.table.has(id);
  }

  /**
   * @param {import("./error.js").CometError} error
   * @param {(exchange: Exchange) => boolean} [which] All, if nothing is said.
   */
  lose(error, which = () => true) {
    for (const exchange of [...this.table.values()]) if (which(exchange)) this.take(exchange.id)?.onLost(error);
  }
}
