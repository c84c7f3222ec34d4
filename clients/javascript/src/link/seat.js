/**
 * @file One tab at the host: a small Bayeux server that the tab's own client talks to, as if over a WebSocket.
 * Subscriptions become lanes, publications and calls are carried by the host's one session, and a connect is answered when all that
 * the lanes were promised has been sent, so that the tab knows from where it would have to ask. Nothing here outlives the tab.
 */
import { checkName } from "../channel.js";
import { CometError } from "../error.js";
import { isMessage } from "../message.js";
import { Lane } from "./lane.js";
import { refusalOf } from "./refusal.js";

/** The channel on which a tab asks for a call; its data say of what. */
export const CALL_CHANNEL = "/service/link";
/** Names the tab that does not want to hear what it has published itself. */
export const TAB_FIELD = "comet.tab";

/** Messages in one frame of a tab. */
const MOST_MESSAGES = 1_000;
/** Subscriptions of one tab. */
const MOST_LANES = 1_024;
/** Calls of one tab that are not answered yet. */
const MOST_CALLS = 1_000;
/** Characters at which a frame is full. */
const LONGEST_FRAME = 1_048_576;
/** How long a connect is held. */
const HOLD_MS = 25_000;
/** How long a connect that is to be answered at once waits for the lanes. */
const SETTLE_MS = 10_000;

/**
 * @typedef {import("../message.js").Message} Message
 * @typedef {import("../message.js").Event} Event
 */

/** One tab. */
export class Seat {
  /** Whether the tab was told that events are counted. @type {boolean | undefined} */
  counts;
  #host;
  #post;
  #tab;
  /** Newest last; of one channel more than one while a newer one catches up. @type {Set<Lane>} */
  #lanes = new Set();
  /** @type {Message | undefined} */
  #handshake;
  /** @type {Message | undefined} */
  #connect;
  /** @type {unknown} */
  #timer;
  #atOnce = false;
  /** What waits for the first connect, before which nothing is counted. @type {string[] | undefined} */
  #early = [];
  /** The next frame. @type {string[]} */
  #out = [];
  #outLength = 0;
  /** The lanes whose deliveries are in the next frame. @type {Lane[]} */
  #outLanes = [];
  /** The same of each frame that was sent and not taken in. @type {Lane[][]} */
  #frames = [];
  #taken = 0;
  /** @type {WeakSet<Event>} */
  #sent = new WeakSet();
  #calls = 0;
  /** Those that are not answered yet: the queue of the session bounds them. @type {Set<Promise<void>>} */
  #publications = new Set();
  /** @type {CometError | undefined} */
  #over;
  #closed = false;

  /**
   * @param {import("./host.js").Host} host
   * @param {string} tab
   * @param {(text: string) => void} post Sends a frame.
   */
  constructor(host, tab, post) {
    this.#host = host;
    this.#tab = tab;
    this.#post = post;
    const { session } = host;
    this.owner = {
      interests: session.courier.interests,
      listener: {
        remove: (/** @type {import("../subscription.js").Subscription} */ subscription) => {
          session.courier.interests.remove(subscription);
          session.courier.kick();
        },
        onThrow: () => this.#host.renew(this),
        now: () => session.courier.now(),
      },
      kick: () => session.courier.kick(),
      probe: () => host.probe(),
      onEvent: (/** @type {Lane} */ lane, /** @type {Event} */ event) => this.#onEvent(lane, event),
      onGap: (/** @type {{ channel: string, position: unknown }} */ { channel, position }) =>
        this.#tell(JSON.stringify({ channel: "/meta/gap", ext: { gaps: { [channel]: position } } })),
      onChange: () => this.#settle(),
      onRefused: () => {},
      onLost: () => this.#host.renew(this),
    };
  }

  /** The one session has a connection. */
  onConnected() {
    const message = this.#handshake;
    if (!message) return;
    this.#handshake = undefined;
    this.counts = this.#host.session.courier.counts;
    this.#reply(message, {
      successful: true,
      clientId: this.#tab,
      supportedConnectionTypes: ["websocket"],
      advice: { reconnect: "retry", interval: 0, timeout: HOLD_MS },
      ext: { received: this.counts },
    });
  }

  /** @param {CometError} error The tab's session ends for good. */
  end(error) {
    if (this.#over) return;
    this.#over = error;
    const refusal = { successful: false, error: refusalOf(error, true), advice: { reconnect: "none" } };
    if (this.#handshake) this.#reply(this.#handshake, refusal);
    else if (this.#connect) this.#reply(this.#connect, refusal);
    else this.#push(JSON.stringify({ ...refusal, channel: "/meta/disconnect", successful: true }));
    this.#flush();
  }

  /** The tab is gone. */
  close() {
    this.#closed = true;
    this.#host.clock.clearTimeout(this.#timer);
    for (const lane of this.#lanes) lane.close();
    this.#lanes.clear();
    this.#frames = [];
  }

  /** @param {number} count Frames that the tab has taken in. */
  onTaken(count) {
    while (this.#taken < count && this.#frames.length > 0) {
      this.#taken += 1;
      for (const lane of /** @type {Lane[]} */ (this.#frames.shift())) if (this.#lanes.has(lane)) lane.onTaken();
    }
  }

  /** @param {string} text A batch. */
  onFrame(text) {
    let batch;
    try {
      batch = JSON.parse(text);
    } catch {
      batch = undefined;
    }
    if (!Array.isArray(batch) || batch.length > MOST_MESSAGES || !batch.every(isMessage)) return this.#host.renew(this);
    for (const message of batch) {
      try {
        this.#onMessage(message);
      } catch (error) {
        this.#refuse(message, error);
      }
    }
  }

  /** @param {Message} message */
  #onMessage(message) {
    if (this.#over) return this.#reply(message, { successful: false, error: refusalOf(this.#over, true), advice: { reconnect: "none" } });
    switch (message.channel) {
      case "/meta/handshake":
        this.#handshake = message;
        return void (this.#host.connected && this.onConnected());
      case "/meta/connect":
        return this.#onConnect(message);
      case "/meta/subscribe":
        return this.#subscribe(message);
      case "/meta/unsubscribe":
        for (const lane of this.#lanesOf(/** @type {any} */ (message).subscription)) this.#leave(lane);
        return this.#reply(message, { successful: true });
      case "/meta/received":
        return undefined;
      case "/meta/disconnect":
        return void this.#goodbye(message);
      case CALL_CHANNEL:
        return this.#call(message);
      default:
        return this.#publish(message);
    }
  }

  /** @param {Message} message Leaves behind all that was published before. */
  async #goodbye(message) {
    await Promise.all(this.#publications);
    this.#reply(message, { successful: true });
    this.#flush();
    this.#host.leave(this);
  }

  /** @param {Message} message */
  #onConnect(message) {
    const early = this.#early;
    this.#early = undefined;
    for (const text of early ?? []) this.#push(text);
    const { clock } = this.#host;
    clock.clearTimeout(this.#timer);
    this.#connect = message;
    this.#atOnce = /** @type {any} */ (message.advice)?.timeout === 0;
    this.#timer = clock.setTimeout(() => this.#answerConnect(), this.#atOnce ? SETTLE_MS : HOLD_MS);
    this.#settle();
  }

  /** A lane has settled; an older one of the same channel has done its service. */
  #settle() {
    const settled = new Set();
    for (const lane of [...this.#lanes].reverse()) {
      if (settled.has(lane.channel)) this.#leave(lane);
      else if (lane.quiet || lane.paused) settled.add(lane.channel);
    }
    if (this.#connect && this.#atOnce && [...this.#lanes].every(({ quiet }) => quiet)) this.#answerConnect();
  }

  #answerConnect() {
    const message = this.#connect;
    this.#connect = undefined;
    this.#host.clock.clearTimeout(this.#timer);
    const lanes = [...this.#lanes];
    const times = lanes.map(({ quiet, told }) => (quiet ? told : undefined));
    const time = times.every((told) => told !== undefined) && times.length > 0 ? Math.min(.../** @type {number[]} */ (times)) : undefined;
    if (message) this.#reply(message, { successful: true, ext: { time } });
  }

  /** @param {Message} message */
  #subscribe(message) {
    const { subscription, ext } = /** @type {{ subscription?: unknown, ext?: Record<string, any> }} */ (message);
    if (typeof subscription !== "string") throw new CometError("message_invalid");
    checkName(subscription, true);
    if (this.#lanes.size >= MOST_LANES) throw new CometError("subscriptions_too_many");
    const { since, ...rest } = ext ?? {};
    const owner = {
      ...this.owner,
      onRefused: (/** @type {Lane} */ lane, /** @type {CometError} */ error) => {
        this.#lanes.delete(lane);
        // The tab tells its page, and no other tab.
        this.#host.onRefused(error);
        this.#refuse(message, error);
      },
    };
    const lane = new Lane(owner, subscription, rest, since, (said) => this.#reply(message, { successful: true, ext: said }));
    this.#lanes.add(lane);
  }

  /** @param {unknown} channel @returns {Lane[]} */
  #lanesOf(channel) {
    return [...this.#lanes].filter((lane) => lane.channel === channel);
  }

  /** @param {Lane} lane */
  #leave(lane) {
    this.#lanes.delete(lane);
    lane.close();
  }

  /** @param {Message} message */
  #publish(message) {
    const { channel, data, ext } = message;
    checkName(channel);
    /** @type {Record<string, unknown>} */
    const options = { ...ext };
    // The other tabs of this link are not the publisher, though they share its session.
    if (options.echo === false) {
      delete options.echo;
      options[TAB_FIELD] = this.#tab;
    }
    const publication = this.#host.session.courier.publish(channel, data, options).then(
      ({ ext: said }) => this.#reply(message, { successful: true, ext: said }),
      (error) => this.#refuse(message, error),
    );
    this.#publications.add(publication);
    publication.then(() => this.#publications.delete(publication));
  }

  /** @param {Message} message */
  #call(message) {
    const { channel, data, timeoutMs } = /** @type {any} */ (message.data) ?? {};
    checkName(String(channel));
    if (this.#calls >= MOST_CALLS) throw new CometError("queue_full");
    this.#calls += 1;
    const answer = (/** @type {Record<string, unknown>} */ fields) => {
      this.#calls -= 1;
      this.#tell(JSON.stringify({ channel: CALL_CHANNEL, id: message.id, ...fields }));
    };
    this.#host.session.courier.call(channel, data, Number(timeoutMs) || 0).then(
      (said) => answer({ successful: true, data: said ?? null }),
      (error) => answer({ successful: false, error: refusalOf(error), data: error?.data ?? null }),
    );
  }

  /** @param {Lane} lane @param {Event} event */
  #onEvent(lane, event) {
    if (this.#sent.has(event) || event.ext?.[TAB_FIELD] === this.#tab) return;
    this.#sent.add(event);
    lane.outstanding += 1;
    this.#outLanes.push(lane);
    this.#tell(this.#host.textOf(event));
  }

  /** @param {Message} message @param {unknown} error */
  #refuse(message, error) {
    // A call is answered by an event, and the acknowledgement of a failed one means nothing.
    if (message.channel === CALL_CHANNEL) {
      return this.#tell(JSON.stringify({ channel: CALL_CHANNEL, id: message.id, successful: false, error: refusalOf(error), data: null }));
    }
    return this.#reply(message, { successful: false, error: refusalOf(error) });
  }

  /** @param {Message} message @param {Record<string, unknown>} fields */
  #reply({ channel, id, ...rest }, fields) {
    const { subscription } = /** @type {{ subscription?: unknown }} */ (rest);
    this.#push(JSON.stringify({ channel, id, subscription, ...fields }));
  }

  /** @param {string} text What is no reply. */
  #tell(text) {
    if (this.#early) this.#early.push(text);
    else this.#push(text);
  }

  /** @param {string} text */
  #push(text) {
    if (this.#closed) return;
    this.#outLength += text.length;
    if (this.#out.push(text) === 1) queueMicrotask(() => this.#flush());
    if (this.#outLength > LONGEST_FRAME) this.#flush();
  }

  #flush() {
    if (this.#closed || this.#out.length === 0) return;
    this.#frames.push(this.#outLanes);
    this.#post(`[${this.#out.join(",")}]`);
    this.#out = [];
    this.#outLength = 0;
    this.#outLanes = [];
  }
}
