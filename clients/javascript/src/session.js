/**
 * @file The one place that retries: handshake, the connect loop, waiting, falling back to another transport, coming back with a session.
 * Messages are the courier's business, deciding which transport comes next is `transport/choice.js`'s, moving a live session between
 * wires is `move.js`'s. Replies and losses come in from the courier; state changes and errors go out through `reports`.
 */
import { DEFAULT_ADVICE, readAdvice } from "./advice.js";
import { Backoff } from "./backoff.js";
import { Courier } from "./courier.js";
import { CometError, errorFromReply } from "./error.js";
import { handshakeMessage } from "./handshake.js";
import { Held } from "./held.js";
import { isMessage } from "./message.js";
import { Mover } from "./move.js";
import { Pause } from "./scheduler/clock.js";
import { Status } from "./status.js";
import { Tally } from "./tally.js";
import { Choice, isPublic, make } from "./transport/choice.js";

/** A connection that lived this long ends a row of failures. */
const STEADY_MS = 10_000;
/** A crowd sent away together comes back spread over at least this window. */
const CROWD_MS = 5_000;
/** Failures that say something about the transport, not about the server. */
const TRANSPORT_FAILURES = new Set(["connection_lost", "transport_failed", "timeout"]);
/** Endings of a wire after which another attempt would end the same way. */
const TERMINAL = new Set(["connection_types_unsupported", "forbidden_origin"]);
/** Silence after which a waking page asks whether its connection still lives. */
const STALE_MS = 1_000;

/**
 * @typedef {import("./message.js").Message} Message
 * @typedef {import("./transport/transport.js").Transport} Transport
 */

/** One client's session, from the first handshake to the end. */
export class Session {
  /** @type {string | undefined} */
  clientId;
  /** @type {Transport | undefined} The wire in use. */
  wire;
  courier;
  choice;
  mover;
  status;
  options;
  #reports;
  #backoff;
  #advice = DEFAULT_ADVICE;
  /** Whether the next connect is to be answered at once. */
  #fresh = true;
  #ended = false;
  /** @type {Promise<void> | undefined} */
  #closing;
  #connectedAt = 0;
  #heardAt = 0;
  /** @type {Pause | undefined} */
  #pause;
  /** @type {Held | undefined} */
  #held;
  /** @type {unknown} */
  #troubleTimer;
  /** Resolves when the last wire has handed over what was on its way. @type {Promise<void> | undefined} */
  #drained;
  #connects = 0;
  /** What was received in this session, where the server wants to know. @type {Tally | undefined} */
  #tally;

  /**
   * @param {import("./options.js").Settled} options
   * @param {import("./status.js").Reports} reports
   */
  constructor(options, reports) {
    this.options = options;
    this.#reports = reports;
    this.status = new Status(reports);
    this.#backoff = new Backoff({ baseMs: options.backoffBaseMs, capMs: options.backoffCapMs, random: options.random });
    this.choice = new Choice(options.transports, options.upgradeAfterMs);
    this.mover = new Mover(this);
    this.courier = new Courier({
      ...options,
      onError: reports.onError,
      onUnknown: (clientId) => this.#onUnknown(clientId),
      onCatchUp: () => this.mover.crossing || this.probe(),
      onTrouble: () => this.#onTrouble(),
    });
  }

  /** Runs until the end. Never rejects. */
  async run() {
    while (!this.#ended) {
      try {
        await this.mover.settled();
        const wire = this.wire ?? (await this.#open());
        if (this.#ended) break;
        const reply = await (this.clientId ? this.#connect(wire) : this.#handshake(wire));
        if (this.#closing) await this.#closing;
        if (this.#ended || !reply) continue;
        if (reply.successful) await this.#onSuccess(reply, wire);
        else await this.#onRefusal(reply);
      } catch (error) {
        if (this.#closing) await this.#closing;
        if (!this.#ended) await this.#onFailure(error instanceof CometError ? error : new CometError("transport_failed", { cause: error }));
      }
    }
  }

  /** The page is alive again: waits end, and a connection that has been silent is asked for a sign. */
  wake() {
    this.#backoff.reset();
    if (this.status.state === "waiting") this.#pause?.end();
    if (this.options.clock.now() - this.#heardAt >= STALE_MS) this.probe();
  }

  /** Asks for a sign of life in place of the connect that is held. Resolves when it came, or will not come. */
  async probe() {
    const { wire, clientId } = this;
    if (this.status.state !== "connected" || !wire || !clientId || !this.#held) return;
    this.courier.abandonConnect();
    const reply = this.ask(wire, clientId);
    this.#held.await(reply);
    await reply.catch(() => {});
  }

  /** @param {Transport} wire Carries the session from now on; it has answered its first connect. */
  adopt(wire) {
    this.wire = wire;
    this.#fresh = false;
    if (this.clientId) this.courier.resume(wire, this.clientId);
    this.#held?.resolve(undefined);
    this.status.announce(wire.name);
  }

  /** Says goodbye if anybody is there to hear it, and ends. */
  async close() {
    this.#closing ??= this.#goodbye();
    await this.#closing;
  }

  async #goodbye() {
    if (this.wire && this.clientId && this.status.state !== "waiting") {
      this.courier.resume(this.wire, this.clientId);
      const pause = new Pause(this.options.clock, this.options.networkDelayMs);
      await Promise.race([this.courier.disconnect().catch(() => {}), pause.over]);
      pause.end();
    }
    this.end(new CometError("closed"));
  }

  /** @param {CometError} error Nothing is tried any more; everything open is rejected with this. */
  end(error) {
    if (this.#ended) return;
    this.#ended = true;
    this.mover.disarm();
    this.options.clock.clearTimeout(this.#troubleTimer);
    this.#tally?.stop();
    this.#pause?.end();
    this.#held?.resolve(undefined);
    this.courier.end(error);
    this.wire?.close();
    this.wire = undefined;
    this.clientId = undefined;
    this.status.change("closed");
  }

  /**
   * Makes a wire whose reports come here.
   * @param {string} name
   * @param {(messages: Message[]) => Message[]} [sift] Takes out what must wait.
   * @returns {Promise<Transport>}
   */
  async makeWire(name, sift = (messages) => messages) {
    /** @type {Transport} */
    const wire = await make(name, {
      ...this.options,
      reports: {
        onMessages: (batch) => {
          const messages = batch.filter(isMessage);
          this.#heardAt = this.options.clock.now();
          this.courier.onMessages(sift(this.#take(wire, messages)));
          if (messages.some(({ channel, id }) => channel === "/meta/disconnect" && id === undefined)) this.#onSentAway(wire, messages);
        },
        onDrain: () => this.courier.flush(),
        onLost: (error, ids) => {
          this.courier.onLost(wire, error, ids);
          if (!ids && wire === this.wire) this.#held?.reject(error);
        },
      },
    });
    return wire;
  }

  /**
   * Over HTTP events come with connects, and only the newest one's are what the server thinks it has sent.
   * @param {Transport} wire
   * @param {Message[]} messages
   */
  #take(wire, messages) {
    const current = wire.pushes || messages.some(({ channel, id }) => channel === "/meta/connect" && this.courier.awaits(id));
    return this.#tally?.take(wire, messages, current) ?? messages;
  }

  /**
   * Sends a connect that is answered at once.
   * @param {Transport} wire
   * @param {string} clientId
   */
  ask(wire, clientId) {
    const message = { ...this.#connectMessage(wire), advice: { timeout: 0 } };
    return this.courier.ask(wire, message, clientId, this.options.networkDelayMs);
  }

  /**
   * Connects are counted, so that one which was overtaken on its way is known for old and cannot win the session back.
   * @param {Transport} wire
   */
  #connectMessage(wire) {
    this.#connects += 1;
    return { channel: "/meta/connect", connectionType: wire.name, ext: { connect: this.#connects, received: this.#tally?.onConnect(wire) } };
  }

  async #open() {
    this.status.change("connecting");
    await this.#drained;
    const now = this.options.clock.now();
    const secret = !this.clientId && this.options.token !== undefined;
    if (!this.choice.next(now, secret)) this.choice.forgive();
    const name = this.choice.next(now, secret);
    if (!name) throw new CometError("connection_types_unsupported");
    const wire = await this.makeWire(name).catch((error) => {
      // A transport whose module cannot be loaded has failed before there was a wire to say so.
      this.choice.onFailure(name, now, false);
      throw error;
    });
    this.wire = wire;
    this.#fresh = true;
    if (!this.#ended) await wire.open();
    return wire;
  }

  /** @param {Transport} wire */
  async #handshake(wire) {
    this.status.change("connecting");
    if (isPublic(wire.name) && this.options.token !== undefined) return this.#dropWire();
    const message = await handshakeMessage(this.choice.usable, this.options.token);
    if (this.#ended) throw new CometError("closed");
    return this.courier.ask(wire, message, undefined, this.options.networkDelayMs);
  }

  /**
   * @param {Transport} wire
   * @returns {Promise<Message | undefined>} Nothing when the session has moved to another wire meanwhile.
   */
  async #connect(wire) {
    const held = new Held();
    this.#held = held;
    const clientId = /** @type {string} */ (this.clientId);
    const timeoutMs = this.#advice.timeoutMs + this.options.networkDelayMs;
    const ask = this.#fresh || this.courier.interests.catchingUp;
    held.await(ask ? this.ask(wire, clientId) : this.courier.ask(wire, this.#connectMessage(wire), clientId, timeoutMs));
    try {
      return await held.over;
    } catch (error) {
      // While the session moves, the old wire's connect is expected to be ended by the server.
      await this.mover.settled();
      if (this.wire === wire) throw error;
      return undefined;
    } finally {
      if (this.#held === held) this.#held = undefined;
    }
  }

  /**
   * @param {Message} reply
   * @param {Transport} wire
   */
  async #onSuccess(reply, wire) {
    const advice = readAdvice(reply.advice);
    this.#advice = advice ?? this.#advice;
    if (this.clientId === undefined) return this.#onHandshake(reply, wire);
    if (wire !== this.wire) return;
    if (advice?.reconnect === "none") return this.end(new CometError("closed", { message: "The server ended the session." }));
    if (advice?.reconnect === "handshake") return this.#onRefusal({ ...reply, error: "402::session_expired" });
    this.#fresh = false;
    const now = this.options.clock.now();
    if (this.status.state !== "connected") {
      this.#connectedAt = now;
      this.status.change("connected");
      this.status.announce(wire.name);
      this.mover.arm();
    }
    this.courier.resume(wire, this.clientId);
    if (now - this.#connectedAt >= STEADY_MS) this.choice.onSuccess(wire.name);
    if (this.#advice.intervalMs > 0) await this.#rest(this.#advice.intervalMs);
  }

  /**
   * @param {Message} reply
   * @param {Transport} wire
   */
  async #onHandshake(reply, wire) {
    this.choice.onSupported(reply.supportedConnectionTypes);
    if (typeof reply.clientId !== "string" || this.choice.usable.length === 0) return this.#fail(new CometError("connection_types_unsupported"));
    this.clientId = reply.clientId;
    this.#fresh = true;
    this.#tally?.stop();
    this.courier.counts = reply.ext?.received === true;
    this.#tally = this.courier.counts ? new Tally(this.options.clock, (each, received) => this.#confirm(each, received)) : undefined;
    if (this.choice.usable.includes(wire.name)) this.courier.resume(wire, reply.clientId);
    else this.#dropWire();
  }

  /** @param {Message} reply An unsuccessful one. */
  async #onRefusal(reply) {
    const advice = readAdvice(reply.advice);
    const error = errorFromReply(reply.error, { retryAfterMs: advice?.intervalMs });
    const next = advice?.reconnect ?? (this.clientId && error.next === "none" ? "retry" : error.next);
    if (next === "none") return this.#fail(error);
    this.#reports.onError(error);
    if (next === "handshake") this.#forget();
    await this.#wait(error);
  }

  /** @param {CometError} error Of the wire or of the way there. */
  async #onFailure(error) {
    const { clock } = this.options;
    const name = this.wire?.name;
    const worked = this.status.state === "connected" && error.code !== "timeout";
    this.#dropWire();
    if (TERMINAL.has(error.code)) return this.#fail(error);
    this.#reports.onError(error);
    if (error.next === "handshake") this.#forget();
    if (name && TRANSPORT_FAILURES.has(error.code)) {
      this.choice.onFailure(name, clock.now(), worked);
      if (!worked && this.choice.next(clock.now())) return;
    }
    await this.#wait(error);
  }

  /** @param {CometError} error There is no sense in going on. */
  #fail(error) {
    this.#reports.onError(error);
    this.end(error);
  }

  /** @param {CometError} error Waits as long as it asks for, and a random while more. */
  async #wait(error) {
    const { clock } = this.options;
    this.courier.pause();
    if (this.status.state === "connected" && clock.now() - this.#connectedAt >= STEADY_MS) this.#backoff.reset();
    const crowd = error.code === "draining" || error.code === "overloaded" ? CROWD_MS : 0;
    this.status.change("waiting");
    await this.#rest(error.retryAfterMs + this.#backoff.nextMs(crowd));
    if (!this.#ended) this.status.change("connecting");
  }

  /** @param {number} delayMs */
  async #rest(delayMs) {
    this.#pause = new Pause(this.options.clock, delayMs);
    await this.#pause.over;
    this.#pause = undefined;
  }

  /** The session is no more; the next thing is a handshake. */
  #forget() {
    this.clientId = undefined;
    this.courier.forget();
  }

  /**
   * @param {Transport} wire
   * @param {number} received
   */
  #confirm(wire, received) {
    const text = JSON.stringify({ channel: "/meta/received", clientId: this.clientId, ext: { received } });
    wire.send([{ id: "", text }], false);
  }

  #dropWire() {
    const { wire } = this;
    this.wire = undefined;
    this.#fresh = true;
    this.courier.pause();
    this.mover.disarm();
    this.#drained = wire?.retire().then(() => this.courier.onLost(wire, new CometError("connection_lost")));
  }

  /** @param {string | undefined} clientId */
  #onUnknown(clientId) {
    if (clientId !== this.clientId || clientId === undefined) return;
    this.courier.pause();
    const refusal = { channel: "/meta/connect", successful: false, error: "402::session_unknown", advice: { reconnect: "handshake" } };
    if (this.#held) this.#held.resolve(refusal);
    else this.#forget();
  }

  /** A subscribe was lost or put off on a wire that lives: it is sent again after a while. */
  #onTrouble() {
    const { clock } = this.options;
    if (this.#ended || this.status.state !== "connected") return;
    this.courier.pause();
    this.#troubleTimer ??= clock.setTimeout(() => {
      this.#troubleTimer = undefined;
      if (this.status.state === "connected" && this.wire && this.clientId) this.courier.resume(this.wire, this.clientId);
    }, this.#backoff.nextMs());
  }

  /**
   * The server says goodbye of its own accord.
   * @param {Transport} wire
   * @param {Message[]} messages
   */
  #onSentAway(wire, messages) {
    if (wire !== this.wire || !this.#held) return;
    const { advice, error } = messages.find(({ channel }) => channel === "/meta/disconnect") ?? {};
    this.#held.resolve({ channel: "/meta/connect", successful: false, error: error ?? "403::disconnected_by_server", advice: advice ?? { reconnect: "none" } });
  }
}
