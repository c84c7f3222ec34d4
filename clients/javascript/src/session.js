/**
 * @file The one place that retries: handshake, the connect loop, waiting, falling back to another transport, coming back with a session.
 * Messages are the courier's business, deciding which transport comes next is `transport/choice.js`'s, moving a live session between
 * wires is `move.js`'s. Replies and losses come in from the courier; state changes and errors go out through `tell`.
 */
import { DEFAULT_ADVICE, readAdvice } from "./advice.js";
import { Backoff } from "./backoff.js";
import { Courier } from "./courier.js";
import { CometError, errorFromReply } from "./error.js";
import { handshakeMessage } from "./handshake.js";
import { Held } from "./held.js";
import { isMessage } from "./message.js";
import { Pause } from "./scheduler/clock.js";
import { Status } from "./status.js";
import { Tally } from "./tally.js";
import { Choice, isPublic, make } from "./transport/choice.js";

/** A connection that lived this long ends a row of failures. */
const STEADY_MS = 10_000;
/** A crowd sent away together comes back spread over at least this window. */
const CROWD_MS = 5_000;
/** Failures that say something about the transport, not about the server. */
const TRANSPORT_FAILURES = ["connection_lost", "transport_failed", "timeout"];
/** Endings of a wire after which another attempt would end the same way. */
const TERMINAL = ["connection_types_unsupported", "forbidden_origin"];
/** Silence after which a waking page asks whether its connection still lives. */
const STALE_MS = 1_000;

/** @typedef {import("./message.js").Message} Message */
/** @typedef {import("./transport/transport.js").Transport} Transport */

/** One client's session, from the first handshake to the end. */
export class Session {
  /** @type {string | undefined} */
  clientId;
  /** @type {Transport | undefined} The wire in use. */
  wire;
  courier;
  choice;
  /** Settles when it is certain which wire carries the session; no connect may be sent before. @type {Promise<unknown> | undefined} */
  crossing;
  /** Before an attempt to get back to a better transport. @type {unknown} */
  upgradeTimer;
  /** A better wire that is still opening while another carries the session. @type {Transport | undefined} */
  late;
  /** The longest a connect is held here, where quiet wires are cut sooner than the server thinks. */
  holdMs = Infinity;
  /** When anything came last. */
  heardAt = 0;
  /** @type {import("./vigil.js").Vigil | undefined} */
  vigil;
  /** Which of the events that come are taken in: counted, where the server wants to know. @type {{ onConnect: (wire: Transport, atOnce?: boolean) => number | undefined, take: Tally["take"], stop: () => void } | undefined} */
  tally;
  status;
  options;
  clock;
  #tell;
  #backoff;
  advice = DEFAULT_ADVICE;
  /** Whether the next connect is to be answered at once. */
  #fresh = true;
  #ended = false;
  /** @type {Promise<void> | undefined} */
  #closing;
  #connectedAt = 0;
  /** @type {Pause | undefined} */
  #pause;
  /** @type {Held | undefined} */
  #held;
  /** @type {unknown} */
  #troubleTimer;
  /** Resolves when the last wire has handed over what was on its way. @type {Promise<void> | undefined} */
  #drained;
  /** Is over when the connect that brings the past has left. @type {Promise<void> | undefined} */
  #catchingUp;
  #connects = 0;

  /**
   * @param {import("./options.js").Settled} options
   * @param {import("./status.js").Tell} tell
   */
  constructor(options, tell) {
    this.options = options;
    this.clock = options.clock;
    this.#tell = tell;
    this.status = new Status(tell);
    this.#backoff = new Backoff(options);
    this.choice = new Choice(options.transports, options.upgradeAfterMs);
    this.courier = new Courier({
      ...options,
      onError: (error) => tell("error", error),
      onUnknown: (clientId) => this.#onUnknown(clientId),
      // The replies to many subscriptions come together, and one connect brings the past of them all.
      onCatchUp: () => (this.#catchingUp ??= this.probe().finally(() => (this.#catchingUp = undefined))),
      onTrouble: () => this.#onTrouble(),
    });
  }

  /** What watches over the wires and moves the session between them: loaded when there is a connection, or before, where something is remembered. */
  async watch() {
    const { Vigil } = await import("./vigil.js").catch((cause) => {
      throw new CometError("transport_failed", { cause });
    });
    return (this.vigil ??= new Vigil(this));
  }

  /** Runs until the end. Never rejects. */
  async run() {
    try {
      const { document, page } = this.options;
      if (document && /** @type {any} */ (page).localStorage.comet) await this.watch();
    } catch {
      // Some pages have no memory, and some may not even look.
    }
    while (!this.#ended) {
      try {
        await this.crossing;
        const wire = this.wire ?? (await this.#open());
        if (this.#ended) break;
        const reply = await (this.clientId ? this.#connect(wire) : this.#handshake(wire));
        if (this.#closing) await this.#closing;
        // A connect on its way over a wire that was left is refused, and means nothing.
        if (!reply?.successful) await this.crossing;
        if (this.#ended || !reply || wire !== this.wire) continue;
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
    if (this.clock.now() - this.heardAt >= STALE_MS) this.probe();
  }

  /** Asks for a sign of life in place of the connect that is held, unless the session moves and the other wire gives one. */
  async probe() {
    const { wire } = this;
    await this.crossing;
    const { clientId } = this;
    if (wire !== this.wire || this.status.state !== "connected" || !this.#held) return;
    this.courier.abandonConnect();
    // What is held has a wire and a session.
    this.#held.await(this.ask(/** @type {Transport} */ (wire), /** @type {string} */ (clientId)));
  }

  /** @param {Transport} wire Carries the session from now on; it has answered its first connect. */
  adopt(wire) {
    this.wire = wire;
    this.#fresh = false;
    this.courier.resume(wire, this.clientId);
    this.#held?.resolve(undefined);
    this.#pause?.end();
    this.status.announce(wire.name);
  }

  /** Says goodbye if anybody is there to hear it, and ends. */
  close() {
    return (this.#closing ??= this.#goodbye());
  }

  async #goodbye() {
    if (this.wire && this.clientId && this.status.state !== "waiting") {
      this.courier.resume(this.wire, this.clientId);
      const pause = new Pause(this.clock, this.options.networkDelayMs);
      await Promise.race([this.courier.disconnect().catch(() => {}), pause.over]);
      pause.end();
    }
    this.end(new CometError("closed"));
  }

  /** @param {CometError} error Nothing is tried any more; everything open is rejected with this. */
  end(error) {
    if (this.#ended) return;
    this.#ended = true;
    this.clock.clearTimeout(this.upgradeTimer);
    this.clock.clearTimeout(this.#troubleTimer);
    this.tally?.stop();
    this.vigil?.stop();
    this.late?.close();
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
   * @returns {Promise<Transport>}
   */
  async makeWire(name) {
    /** @type {Transport} */
    const wire = await make(name, {
      ...this.options,
      reports: {
        onMessages: (batch) => {
          const messages = batch.filter(isMessage);
          this.heardAt = this.clock.now();
          // Over HTTP events come with the replies to connects, and only the newest one's are what the server thinks it has sent.
          const reply = messages.find(({ channel, id }) => channel === "/meta/connect" && id !== undefined);
          const current = wire.quiet && reply ? this.courier.awaits(reply.id) : wire.pushes;
          this.courier.onMessages(this.tally?.take(wire, messages, current) ?? messages);
          const bye = messages.find(({ channel, id }) => channel === "/meta/disconnect" && id === undefined);
          if (bye && wire === this.wire) this.#refuse(bye.error ?? "403::disconnected_by_server", bye.advice ?? { reconnect: "none" });
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
   * Sends a connect. They are counted, so that one which was overtaken on its way is known for old and cannot win the session back.
   * @param {Transport} wire
   * @param {string} clientId
   * @param {number} [timeoutMs] How long it may be held; unless it may, it is to be answered at once.
   */
  ask(wire, clientId, timeoutMs = 0) {
    this.#connects += 1;
    const ext = { connect: this.#connects, received: this.tally?.onConnect(wire, !timeoutMs) };
    const message = { channel: "/meta/connect", connectionType: wire.name, ext, advice: this.vigil?.wish(timeoutMs) ?? (timeoutMs ? undefined : { timeout: 0 }) };
    return this.courier.ask(wire, message, clientId, timeoutMs + this.options.networkDelayMs);
  }

  /** @returns {string | undefined} Transport to try next. A handshake with a token needs one that keeps it. */
  #next() {
    return this.choice.next(this.clock.now(), !this.clientId && this.options.token !== undefined);
  }

  /** @returns {Promise<Transport>} */
  async #open() {
    this.status.change("connecting");
    await this.#drained;
    // Nothing answers, so the failures say nothing about the transports.
    if (!this.#next()) this.choice.trials.clear();
    const name = this.#next();
    if (!name) throw new CometError("connection_types_unsupported");
    const onFailure = () => this.choice.onFailure(name, this.clock.now(), false);
    const wire = this.late?.name === name ? this.late : await this.makeWire(name).catch((error) => {
      // A transport whose module cannot be loaded has failed before there was a wire to say so.
      onFailure();
      throw error;
    });
    if (wire === this.late) this.late = undefined;
    this.wire = wire;
    this.#fresh = true;
    if (this.#ended) return wire;
    await Promise.race([wire.open(), this.#rest(this.options.headStartMs)]).finally(() => this.#pause?.end());
    if (!wire.writable && !this.#ended) {
      onFailure();
      // Nobody waits for a wire that opens slowly while there is another.
      if (this.#next()) {
        this.late = wire;
        return this.#open();
      }
      await wire.open();
    }
    if (this.#closing) this.courier.flush();
    return wire;
  }

  /** @param {Transport} wire */
  async #handshake(wire) {
    this.status.change("connecting");
    if (isPublic(wire.name) && this.options.token !== undefined) return this.dropWire();
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
    const now = this.#fresh || this.courier.interests.catchingUp;
    held.await(this.ask(wire, /** @type {string} */ (this.clientId), now ? 0 : Math.min(this.advice.timeoutMs, this.holdMs)));
    try {
      return await held.over;
    } catch (error) {
      // While the session moves, the old wire's connect is expected to be ended by the server.
      await this.crossing;
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
    this.advice = advice ?? this.advice;
    if (this.clientId === undefined) return this.#onHandshake(reply, wire);
    if (advice?.reconnect === "none") return this.end(new CometError("closed"));
    if (advice?.reconnect === "handshake") return this.#onRefusal({ ...reply, error: "402::session_expired" });
    this.#fresh = false;
    const now = this.clock.now();
    if (this.status.state !== "connected") {
      this.#connectedAt = now;
      this.status.change("connected");
      this.status.announce(wire.name);
      this.watch().then((vigil) => vigil.onConnected(), () => {});
    }
    this.courier.resume(wire, this.clientId);
    if (this.advice.intervalMs > 0) await this.#rest(this.advice.intervalMs);
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
    this.tally?.stop();
    this.courier.counts = reply.ext?.received === true;
    this.tally = this.courier.counts ? new Tally(this.clock, reply.clientId) : undefined;
    if (this.choice.usable.includes(wire.name)) this.courier.resume(wire, reply.clientId);
    else this.dropWire();
  }

  /** @param {Message} reply An unsuccessful one. */
  async #onRefusal(reply) {
    const advice = readAdvice(reply.advice);
    const error = errorFromReply(reply.error, { retryAfterMs: advice?.intervalMs });
    const next = advice?.reconnect ?? (this.clientId && error.next === "none" ? "retry" : error.next);
    if (next === "none") return this.#fail(error);
    this.#tell("error", error);
    if (next === "handshake") this.#forget();
    // Nothing is sent before a connect is answered, so the next one is not to be held.
    this.#fresh = true;
    await this.#wait(error);
  }

  /** @param {CometError} error Of the wire or of the way there. */
  async #onFailure(error) {
    const name = this.wire?.name;
    const worked = this.status.state === "connected" && !this.vigil?.onDeath(error) && error.code !== "timeout";
    this.dropWire();
    if (TERMINAL.includes(error.code)) return this.#fail(error);
    this.#tell("error", error);
    if (error.next === "handshake") this.#forget();
    if (name && TRANSPORT_FAILURES.includes(error.code)) {
      this.choice.onFailure(name, this.clock.now(), worked);
      if (!worked && this.#next()) return;
    }
    await this.#wait(error);
  }

  /** @param {CometError} error There is no sense in going on. */
  #fail(error) {
    this.#tell("error", error);
    this.end(error);
  }

  /** @param {CometError} error Waits as long as it asks for, and a random while more. */
  async #wait(error) {
    this.courier.pause();
    if (this.status.state === "connected" && this.clock.now() - this.#connectedAt >= STEADY_MS) this.#backoff.reset();
    const crowd = error.code === "draining" || error.code === "overloaded" ? CROWD_MS : 0;
    this.status.change("waiting");
    await this.#rest(error.retryAfterMs + this.#backoff.nextMs(crowd));
    if (!this.#ended) this.status.change("connecting");
  }

  /** @param {number} delayMs */
  async #rest(delayMs) {
    this.#pause = new Pause(this.clock, delayMs);
    await this.#pause.over;
    this.#pause = undefined;
  }

  /** The session is no more; the next thing is a handshake. */
  #forget() {
    this.clientId = undefined;
    this.courier.forget();
  }

  /** The wire is left; what is on its way over it may still come. */
  dropWire() {
    const { wire } = this;
    this.wire = undefined;
    this.#fresh = true;
    this.courier.pause();
    this.clock.clearTimeout(this.upgradeTimer);
    this.#drained = wire?.retire().then(() => this.courier.onLost(wire, new CometError("connection_lost")));
  }

  /** @param {string | undefined} clientId */
  #onUnknown(clientId) {
    if (clientId !== this.clientId || clientId === undefined) return;
    this.courier.pause();
    if (this.#held) this.#refuse("402::session_unknown");
    else this.#forget();
  }

  /** A subscribe was lost or put off on a wire that lives: it is sent again after a while. */
  #onTrouble() {
    if (this.status.state !== "connected") return;
    this.courier.pause();
    this.#troubleTimer ??= this.clock.setTimeout(() => {
      this.#troubleTimer = undefined;
      if (this.status.state === "connected" && this.clientId) this.courier.resume(this.wire, this.clientId);
    }, this.#backoff.nextMs());
  }

  /**
   * Ends the wait for the connect that is held as its refusal would.
   * @param {string} error
   * @param {unknown} [advice]
   */
  #refuse(error, advice) {
    this.#held?.resolve({ channel: "", error, advice });
  }
}
