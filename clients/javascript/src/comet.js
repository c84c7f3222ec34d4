/**
 * @file The class users touch: connects at once, subscribes, publishes, calls, and tells of its state by events.
 * Everything it promises is done by the session and its courier; this file checks arguments and shapes results.
 */
import { checkName } from "./channel.js";
import { CometError } from "./error.js";
import { settle } from "./options.js";
import { watchWake } from "./scheduler/wake.js";
import { readSince } from "./since.js";
import { Session } from "./session.js";
import { MessageStream } from "./stream.js";
import { Subscription } from "./subscription.js";

/**
 * @typedef {import("./message.js").Event} Event
 * @typedef {import("./message.js").Position} Position
 */

/**
 * What the server is asked with a publication, in the words of the protocol; other fields travel as `ext` of its events.
 * @typedef {object} PublishOptions
 * @property {string} [key] Names the publication, where the caller may repeat it by itself: 64 bytes at most, made up if not given.
 * @property {string} [conflate] Which older messages of the channel it stands for, where those give way to newer ones: 64 bytes at most.
 * @property {boolean} [echo] `false` leaves out this client's own subscriptions.
 * @property {number} [expires_ms] The age at which nobody is to get it any more.
 * @property {boolean} [receipt] Events on "/service/receipt" say how many have received it.
 */

/**
 * A live connection to a Comet server, or to any server that speaks Bayeux.
 *
 * Events, each a `CustomEvent`: "state" (`detail` is the new state), "transport" (`detail` is its name),
 * "error" (`detail` is a `CometError`; the client goes on by itself unless the state becomes "closed").
 */
export class Comet extends EventTarget {
  #session;
  #unwatch;
  #closing = false;
  #owner;

  /**
   * @param {string | URL} url Address of the server, relative to the page where there is one.
   * @param {import("./options.js").Options} [options]
   */
  constructor(url, options = {}) {
    super();
    const settled = settle(url, options);
    this.#session = new Session(settled, (type, detail) => {
      if (detail === "closed") this.#unwatch?.();
      this.#tell(type, detail);
    });
    const { interests } = this.#session.courier;
    this.#owner = {
      remove: (/** @type {Subscription} */ subscription) => {
        interests.remove(subscription);
        this.#session.courier.kick();
      },
      now: () => this.#session.courier.now(),
      onThrow: (/** @type {unknown} */ cause) => this.#tell("error", new CometError("listener_failed", { cause })),
    };
    this.#unwatch = watchWake(settled.page, settled.document, () => this.#session.wake());
    this.#session.run();
  }

  /** "connecting", "connected", "waiting" (before another attempt) or "closed" (for good). */
  get state() {
    return this.#session.status.state;
  }

  /** Name of the transport in use, if there is a connection. @returns {string | undefined} */
  get transport() {
    return this.state === "connected" ? this.#session.wire?.name : undefined;
  }

  /** Id of the session, if there is one. It is a secret of this client. @returns {string | undefined} */
  get clientId() {
    return this.#session.clientId;
  }

  /**
   * Listens to a channel or a pattern (`/prices/*`, `/prices/**`), now and in every later session.
   * @param {string} channel
   * @param {(event: Event) => void} callback
   * @param {import("./subscription.js").SubscribeOptions} [options]
   * @returns {Subscription}
   * @throws {CometError} `channel_invalid`, `message_invalid` for a `since` that cannot be read, or `closed`.
   */
  subscribe(channel, callback, options = {}) {
    checkName(channel, true);
    this.#checkOpen();
    const subscription = new Subscription(channel, callback, options, this.#owner, readSince(options.since, this.#owner.now()));
    this.#session.courier.interests.add(subscription);
    this.#session.courier.kick();
    return subscription;
  }

  /**
   * The same as an async iterator. It throws when the subscription is refused, or when `limit` deliveries wait to be read.
   * @param {string} channel
   * @param {import("./subscription.js").SubscribeOptions & { limit?: number }} [options] `limit` is 1,000 unless given.
   * @returns {MessageStream}
   */
  messages(channel, { limit = 1_000, ...options } = {}) {
    return new MessageStream((callback) => this.subscribe(channel, callback, options), limit);
  }

  /**
   * Publishes. While there is no connection the message waits in a bounded queue. When its reply is lost it is sent again under its
   * key, which the server knows for some minutes; a server that knows no keys gets it once.
   * @param {string} channel
   * @param {unknown} data Anything JSON can hold.
   * @param {PublishOptions} [options]
   * @returns {Promise<import("./courier.js").Receipt>} Resolves when the server has accepted the message; rejects with a `CometError`,
   *   among them `connection_lost` when nobody knows whether it arrived.
   */
  async publish(channel, data, options = {}) {
    checkName(channel);
    this.#checkOpen();
    return this.#session.courier.publish(channel, data, options);
  }

  /**
   * Calls a service and waits for its answer.
   * @param {string} channel Such as "/service/orders".
   * @param {unknown} data
   * @param {{ timeoutMs?: number }} [options] 10,000 unless given, counted from now.
   * @returns {Promise<any>} What the service answered; rejects with a `CometError` whose `data` is what a failed service said.
   */
  async call(channel, data, { timeoutMs = 10_000 } = {}) {
    checkName(channel);
    this.#checkOpen();
    return this.#session.courier.call(channel, data, timeoutMs);
  }

  /**
   * Moves the living session to another transport, which stays the preferred one.
   * @param {string} name
   * @returns {Promise<void>} Resolves when it has moved; rejects with a `CometError` when it stays where it was.
   */
  async switchTransport(name) {
    this.#checkOpen();
    await (await this.#session.watch()).switchTo(name);
  }

  /**
   * Sends what is queued and a goodbye, if there is a connection, and ends for good.
   * @returns {Promise<void>} Never rejects.
   */
  async close() {
    this.#closing = true;
    await this.#session.close();
  }

  /** Lets `await using` close the client. */
  [Symbol.asyncDispose]() {
    return this.close();
  }

  #checkOpen() {
    if (this.#closing || this.state === "closed") throw new CometError("closed");
  }

  /**
   * @param {string} type
   * @param {unknown} detail
   */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
