/**
 * @file Carries messages between the queue and the wire: batches out, replies and events in, and what was lost back to its owner.
 * It neither opens nor repairs wires; the session hands it one and takes it away. Deliveries go on to `interest.js` and `call.js`.
 */
import { Calls } from "./call.js";
import { CometError, errorFromReply } from "./error.js";
import { Exchanges } from "./exchange.js";
import { Interests } from "./interest.js";
import { byteLength, eventOf, isEvent, positionOf } from "./message.js";
import { Batch, Outbox } from "./outbox.js";

/** How often a message that met a lost session is sent again. */
const MOST_ATTEMPTS = 3;
/** How long after it was first sent a publication may be sent again: half a minute less than the server remembers its key. */
const KEY_MS = 270_000;

/**
 * @typedef {import("./exchange.js").Exchange} Exchange
 * @typedef {import("./interest.js").Interest} Interest
 * @typedef {import("./message.js").Message} Message
 * @typedef {import("./transport/transport.js").Transport} Transport
 */

/**
 * What a publisher learns of its publication; `durability` is "memory", "stored" or "fsync".
 * @typedef {{ position: import("./message.js").Position | undefined, durability: string | undefined, ext: Record<string, any> | undefined }} Receipt
 */

/**
 * @typedef {object} CourierOptions
 * @property {import("./scheduler/clock.js").Clock} clock
 * @property {number} queueMessages
 * @property {number} queueBytes
 * @property {number} networkDelayMs How long a reply may take.
 * @property {() => number} random
 * @property {(error: CometError) => void} onError
 * @property {(clientId: string | undefined) => void} onUnknown A reply said that this session is gone.
 * @property {() => void} onCatchUp A connect is to be answered soon, for the past comes before its reply.
 * @property {() => void} onTrouble Something was lost on the way; `resume` is expected later.
 */

/** The courier of one client. */
export class Courier {
  interests = new Interests();
  /** Whether the session counts: such a server also knows keys. */
  counts = false;
  #options;
  exchanges;
  #outbox;
  #calls;
  #lastId = 0;
  #keys;
  /** How far the server's clock is ahead of ours at most, as it has told last. */
  #aheadMs = 0;
  /** Whether something that was lost waits to be sent again. */
  #again = false;
  #kicked = false;
  /** Whether the session moves, and messages must not leave over either wire, whatever `resume` says. */
  held = false;
  /** @type {Transport | undefined} */
  #wire;
  /** @type {string | undefined} */
  #clientId;

  /** @param {CourierOptions} options */
  constructor(options) {
    this.#options = options;
    this.exchanges = new Exchanges(options.clock);
    this.#outbox = new Outbox(options.queueMessages, options.queueBytes);
    this.#calls = new Calls(options.clock);
    this.#keys = options.random().toString(36).slice(2);
  }

  /**
   * Starts, or goes on, handing messages to a wire.
   * @param {Transport | undefined} wire
   * @param {string | undefined} clientId
   */
  resume(wire, clientId) {
    this.#wire = wire;
    this.#clientId = clientId;
    this.kick();
  }

  /** Stops handing out messages; they wait. */
  pause() {
    this.#wire = undefined;
  }

  /** The session is gone: what was asked of it must be asked again, what was called in it will not be answered. */
  forget() {
    this.pause();
    const error = new CometError("connection_lost");
    // A publication on its way is still answered, perhaps by a refusal after which it may be sent again.
    this.exchanges.lose(error, ({ text }) => text.startsWith('{"channel":"/meta/'));
    this.#calls.failAll(error, (id) => !this.#outbox.has(id) && !this.exchanges.has(id));
    this.interests.forget();
  }

  /** @param {CometError} error The client ends: nobody gets anything any more. */
  end(error) {
    // Nothing is kept to be sent once more.
    this.counts = false;
    this.pause();
    this.exchanges.lose(error);
    this.#outbox.lose(error);
    this.#calls.failAll(error);
    this.interests.clear(error);
  }

  /** Sends what is due once the running code has had its say, so that messages of one moment share a batch. */
  kick() {
    if (this.#kicked) return;
    this.#kicked = true;
    queueMicrotask(() => {
      this.#kicked = false;
      this.flush();
    });
  }

  /** Sends what is due now. */
  flush() {
    while (!this.held && this.#wire?.writable) {
      const batch = this.#nextBatch(this.#wire);
      if (batch.messages.length === 0) return;
      for (const { exchange } of batch.messages) this.exchanges.add(exchange, this.#wire, this.#clientId, this.#options.networkDelayMs);
      this.#wire.send(batch.messages, false);
    }
  }

  /**
   * @param {string} channel
   * @param {unknown} data
   * @param {import("./comet.js").PublishOptions} options
   * @returns {Promise<Receipt>} Rejects with a `CometError`.
   */
  publish(channel, data, options) {
    return new Promise((resolve, reject) => {
      /** @param {Message} reply */
      const onReply = ({ ext }) => resolve({ position: positionOf(ext), durability: ext?.durability, ext });
      const exchange = this.#publication(channel, data, onReply, reject);
      // What a service did is not known by a key.
      if (!channel.startsWith("/service/")) exchange.ext = { ...options, key: options.key ?? `${this.#keys}-${exchange.id}` };
      this.#queue(exchange);
    });
  }

  /** @returns {Promise<Message>} The reply to a disconnect that leaves behind all that is queued. */
  disconnect() {
    return new Promise((resolve, reject) => {
      this.#outbox.push(this.#exchange({ channel: "/meta/disconnect" }, resolve, reject), true);
      this.flush();
    });
  }

  /**
   * @param {string} channel
   * @param {unknown} data
   * @param {number} timeoutMs
   * @returns {Promise<any>} Data of the answer.
   */
  async call(channel, data, timeoutMs) {
    /** @type {Exchange} */
    const exchange = this.#publication(channel, data, () => {}, (error) => this.#calls.fail(exchange.id, error));
    this.#queue(exchange);
    return this.#calls.open(exchange.id, timeoutMs, () => this.#outbox.remove(exchange));
  }

  /** Unix milliseconds, never before the server's own clock; this machine's until the server has told. */
  now() {
    return Math.ceil(this.#aheadMs + this.#options.clock.now());
  }

  /** @param {Exchange} exchange */
  #queue(exchange) {
    if (!this.#outbox.push(exchange)) throw new CometError("queue_full");
    this.kick();
  }

  /**
   * Sends one message by itself, before the queue.
   * @param {Transport} wire
   * @param {Record<string, unknown>} message
   * @param {string | undefined} clientId
   * @param {number} timeoutMs
   * @returns {Promise<Message>} The reply, successful or not; rejects when none will come.
   */
  ask(wire, message, clientId, timeoutMs) {
    const { accepted } = this.interests;
    return new Promise((resolve, reject) => {
      /** @param {Message} reply */
      const onReply = (reply) => {
        if (reply.successful) {
          const time = reply.ext?.time;
          // A server that counts says when everything has left; until then it is asked again.
          if (time || !this.counts) this.interests.onConnected(accepted, time);
          else if (this.interests.catchingUp) this.#options.onCatchUp();
        }
        resolve(reply);
      };
      const exchange = this.#exchange(message, onReply, reject);
      const batch = new Batch(wire.limits, clientId);
      batch.add(exchange);
      this.exchanges.add(exchange, wire, clientId, timeoutMs);
      wire.send(batch.messages, message.channel === "/meta/connect");
    });
  }

  /** The connects on their way need no reply any more: another is asked in their place. */
  abandonConnect() {
    this.exchanges.lose(new CometError("superseded"), ({ text }) => text.startsWith('{"channel":"/meta/connect"'));
  }

  /** @param {readonly Message[]} messages */
  onMessages(messages) {
    for (const message of messages) {
      if (message.channel === "/meta/gap") this.interests.onGaps(message.ext?.gaps);
      else if (!isEvent(message)) this.exchanges.take(message.id)?.onReply(message);
      else if (this.#calls.onEvent(message)) this.exchanges.take(message.id);
      else this.interests.deliver(eventOf(message));
    }
  }

  /** @param {unknown} id @returns {boolean} Whether a reply to this message is awaited. */
  awaits(id) {
    return this.exchanges.has(String(id));
  }

  /**
   * @param {Transport} wire
   * @param {CometError} error
   * @param {readonly string[]} [ids]
   */
  onLost(wire, error, ids) {
    this.#again = false;
    this.exchanges.lose(error, (exchange) => exchange.wire === wire && (ids?.includes(exchange.id) ?? true));
    if (this.#again) ids ? this.#options.onTrouble() : this.kick();
  }

  /**
   * @param {Transport} wire
   * @returns {Batch} As much as fits: interests first, so that publications meet the subscriptions made before them.
   */
  #nextBatch(wire) {
    const batch = new Batch(wire.limits, this.#clientId, this.counts);
    for (let interest = this.interests.next; interest; interest = this.interests.next) {
      try {
        if (!batch.add(this.#request(interest))) return batch;
        this.interests.onAsked(interest);
      } catch (error) {
        this.#refuse(interest, /** @type {CometError} */ (error));
      }
    }
    const { clock } = this.#options;
    for (let exchange = this.#outbox.first; exchange; exchange = this.#outbox.first) {
      try {
        // A server that does not know the key any more would publish it twice.
        if (exchange.lost && !(this.counts && exchange.sentAt + KEY_MS > clock.now())) throw exchange.lost;
        if (!batch.add(exchange)) return batch;
        clock.clearTimeout(exchange.timer);
        this.#outbox.remove(exchange);
      } catch (error) {
        this.#outbox.remove(exchange);
        exchange.onLost(/** @type {CometError} */ (error));
      }
    }
    return batch;
  }

  /**
   * @param {Interest} interest
   * @returns {Exchange} A subscribe or an unsubscribe.
   */
  #request(interest) {
    const { channel: subscription, asked: [first] } = interest;
    const message = { channel: first ? "/meta/subscribe" : "/meta/unsubscribe", subscription, ext: first?.ext };
    /** @param {Message} reply */
    const onReply = (reply) => {
      if (reply.successful || !first) {
        const { ext: said = {} } = reply;
        // The reply was written after the message was sent, so this is no less than the difference.
        if (said.time) this.#aheadMs = said.time - exchange.sentAt;
        this.interests.onAnswered(interest, said);
        if (!this.counts) this.interests.onGaps(said.gaps);
        if (this.interests.catchingUp) this.#options.onCatchUp();
        return this.kick();
      }
      const error = errorFromReply(reply.error);
      if (!error.retry) return this.#refuse(interest, error);
      this.#onLostInterest(interest);
      this.#options.onTrouble();
      if (error.next === "handshake") this.#options.onUnknown(exchange.clientId);
    };
    const exchange = this.#exchange(message, onReply, (error) => (error.retry ? this.#onLostInterest(interest) : this.#refuse(interest, error)));
    return exchange;
  }

  /** @param {Interest} interest */
  #onLostInterest(interest) {
    this.interests.onLost(interest);
    this.#again = true;
  }

  /**
   * @param {Interest} interest
   * @param {CometError} error
   */
  #refuse(interest, error) {
    this.interests.onRefused(interest, error);
    if (error.code !== "closed") this.#options.onError(error);
  }

  /**
   * @param {string} channel
   * @param {unknown} data
   * @param {(reply: Message) => void} resolve
   * @param {(error: CometError) => void} reject
   * @returns {Exchange}
   */
  #publication(channel, data, resolve, reject) {
    if (data === undefined) throw new CometError("data_missing");
    /** @type {Exchange} */
    const exchange = this.#exchange(
      { channel, data },
      (reply) => {
        if (reply.successful) return resolve(reply);
        const error = errorFromReply(reply.error);
        // The server refused to look at it for want of a session, so sending it again in the next session repeats nothing.
        if (error.next !== "handshake") return reject(error);
        if (exchange.attempts >= MOST_ATTEMPTS || !this.#outbox.push(exchange)) reject(error);
        this.#options.onUnknown(exchange.clientId);
      },
      (error) => {
        const { clock } = this.#options;
        const leftMs = exchange.sentAt + KEY_MS - clock.now();
        clock.clearTimeout(exchange.timer);
        if (!this.counts || !exchange.ext || !error.retry || !(leftMs > 0) || !this.#outbox.push(exchange)) return reject(error);
        exchange.lost = error;
        exchange.timer = clock.setTimeout(() => {
          this.#outbox.remove(exchange);
          reject(error);
        }, leftMs);
        this.#again = true;
      },
    );
    return exchange;
  }

  /**
   * @param {Record<string, unknown>} message
   * @param {(reply: Message) => void} onReply
   * @param {(error: CometError) => void} onLost
   * @returns {Exchange}
   */
  #exchange(message, onReply, onLost) {
    const id = String((this.#lastId += 1));
    let text;
    try {
      text = JSON.stringify({ ...message, id });
      // No server takes half a surrogate pair, which is written as an escape; some wires cannot tell why nothing comes back.
      if (/[^\\](\\\\)*\\ud[89a-f]/.test(text)) throw 0;
    } catch (cause) {
      throw new CometError("message_invalid", { cause });
    }
    return { id, text, bytes: byteLength(text), attempts: 0, sentAt: NaN, onReply, onLost };
  }
}
