/**
 * @file How many events of its session this client has taken in, which is what it tells the server, and which events are repetitions.
 * The server numbers events in the order they first leave. A wire begins where the connect on it said, an answer over HTTP where its
 * own connect said; so each event has a number here too, and only the next one is taken in, whatever wire brings it.
 */
import { isEvent } from "./message.js";

/** Events after which the server is told without waiting for a connect. */
const MOST_UNCONFIRMED = 256;
/** The longest time an event waits for that. */
const CONFIRM_AFTER_MS = 5_000;

/**
 * @typedef {import("./message.js").Message} Message
 * @typedef {import("./transport/transport.js").Transport} Transport
 */

/** The count of one session. */
export class Tally {
  #received = 0;
  #confirmed = 0;
  /** The number of the next event on each wire. @type {WeakMap<Transport, number>} */
  #next = new WeakMap();
  /** The wire of the newest connect. @type {Transport | undefined} */
  #wire;
  /** @type {unknown} */
  #timer;
  #clock;
  #clientId;

  /**
   * @param {import("./scheduler/clock.js").Clock} clock
   * @param {string} clientId
   */
  constructor(clock, clientId) {
    this.#clock = clock;
    this.#clientId = clientId;
  }

  /**
   * A connect leaves on this wire.
   * @param {Transport} wire
   * @param {boolean} [atOnce] Whether it is to be answered at once.
   * @returns {number} What it says.
   */
  onConnect(wire, atOnce = false) {
    this.stop();
    // On the wire it has, the server goes on where it was.
    if (wire.begins(atOnce) || wire !== this.#wire) this.#next.set(wire, this.#received);
    this.#wire = wire;
    this.#confirmed = this.#received;
    return this.#received;
  }

  /**
   * @param {Transport} wire
   * @param {Message[]} messages
   * @param {boolean} current Whether the events among them are those of the newest connect on this wire.
   * @returns {Message[]} All but the repetitions.
   */
  take(wire, messages, current) {
    const taken = messages.filter((message) => (!isEvent(message) && message.successful !== undefined) || (current && this.#isNext(wire)));
    const unconfirmed = this.#received - this.#confirmed;
    if (wire === this.#wire && wire.pushes && unconfirmed > 0) {
      if (unconfirmed >= MOST_UNCONFIRMED) this.#say();
      else this.#timer ??= this.#clock.setTimeout(() => this.#say(), CONFIRM_AFTER_MS);
    }
    return taken;
  }

  /** Nothing more is to be said. */
  stop() {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #say() {
    const wire = /** @type {Transport} */ (this.#wire);
    const text = JSON.stringify({ channel: "/meta/received", clientId: this.#clientId, ext: { received: this.onConnect(wire) } });
    wire.send([{ id: "", text }], false);
  }

  /** @param {Transport} wire */
  #isNext(wire) {
    const number = this.#next.get(wire) ?? NaN;
    this.#next.set(wire, number + 1);
    if (number !== this.#received) return false;
    this.#received += 1;
    return true;
  }
}
