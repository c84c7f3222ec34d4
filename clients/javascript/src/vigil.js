/**
 * @file Watches over the wires of a session while it lives: proves young ones, notices machines that slept and pages that were put
 * away, judges deaths, and keeps what it learns about the network in `memory.js`. It is loaded after the first connection, or before,
 * where something is remembered. Retrying is `session.js`'s business, moving `move.js`'s, what a silence means `idle.js`'s.
 */
import { CometError } from "./error.js";
import { IdleCut } from "./idle.js";
import { Memory } from "./memory.js";
import { networkOf, watchLife } from "./scheduler/life.js";

/** A new WebSocket is asked for a sign after this time: some are let through to the first frames and no further. */
const PROVE_MS = 4_000;
const TICK_MS = 10_000;
/** A tick that comes so much late was slept through. Timers of hidden pages may be a minute late. */
const SLEPT_MS = 90_000;
/** A wire that lived this long ends a row of strikes. */
const STEADY_MS = 10_000;
/** So many deaths of one kind of wire in this time, and it is left for another. */
const MOST_DEATHS = 4;
const DEATHS_WITHIN_MS = 300_000;
/** Remembered failures do not stand in the way of a first connection, and are looked at again not before this time. */
const SETTLE_MS = 5_000;
/** What a hidden page tells the server that its pauses may become. */
const HIDDEN_INTERVAL_MS = 60_000;

/** @typedef {import("./transport/transport.js").Transport} Transport */

/** The watch over one session. */
export class Vigil {
  #session;
  #memory;
  #place = "";
  #idle = new IdleCut();
  /** When wires died, by name. @type {Map<string, number[]>} */
  #deaths = new Map();
  /** @type {Transport | undefined} */
  #wire;
  /** When the last connect was sent. */
  #askedAt = 0;
  /** Since when there is this wire. */
  #since = 0;
  #tickedAt;
  /** @type {unknown} */
  #tick;
  /** @type {unknown} */
  #prove;
  /** Ends the time away. @type {(() => void) | undefined} */
  #back;
  #unwatch;
  /** @type {import("./move.js").Mover | undefined} */
  #mover;

  /** @param {import("./session.js").Session} session One that has not ended. */
  constructor(session) {
    if (session.status.state === "closed") throw new CometError("closed");
    this.#session = session;
    const { page, document, remember, transports, clock } = session.options;
    this.#memory = new Memory(remember !== false && document ? storageOf(page) : undefined, transports);
    this.#unwatch = watchLife(page, document, {
      onAway: () => this.#leave(),
      onBack: () => {
        this.#return();
        session.wake();
      },
      onOffline: () => void session.probe(),
      onNetwork: () => this.#onNetwork(),
    });
    this.#tickedAt = this.#askedAt = clock.now();
    this.#onTick();
    this.#recall();
  }

  /** The session has a connection, after there was none. */
  onConnected() {
    const session = this.#session;
    const { clock } = session.options;
    const { wire } = session;
    this.#look();
    this.save();
    this.arm();
    clock.clearTimeout(this.#prove);
    if (wire?.name !== "websocket" || session.choice.usable.length < 2) return;
    this.#prove = clock.setTimeout(() => {
      if (session.wire === wire && clock.now() - session.heardAt >= PROVE_MS / 2) session.probe();
    }, PROVE_MS);
  }

  /**
   * The wire of the session is dead.
   * @param {import("./error.js").CometError} error
   * @returns {boolean} Whether that has happened so often that another kind of wire should be tried.
   */
  onDeath({ code }) {
    const session = this.#session;
    const { wire, heardAt, holdMs, advice } = session;
    const timedOut = code === "timeout";
    if (!wire || this.#offline || !(timedOut || code === "connection_lost")) return false;
    const now = session.options.clock.now();
    // Over HTTP other requests do not keep that of the connect from being quiet.
    const silenceMs = now - (wire.pushes ? Math.max(heardAt, this.#askedAt) : this.#askedAt);
    const heldMs = Math.min(advice.timeoutMs, holdMs);
    // Of one that was cut without a word is known only that it was before the answer.
    const cutMs = !timedOut ? silenceMs : silenceMs > heldMs ? heldMs / 2 : 0;
    const learntMs = cutMs && this.#idle.onDeath(cutMs);
    if (learntMs) session.holdMs = Math.min(holdMs, learntMs);
    const deaths = [now, ...(this.#deaths.get(wire.name) ?? [])].filter((at) => now - at < DEATHS_WITHIN_MS).slice(0, MOST_DEATHS);
    this.#deaths.set(wire.name, deaths);
    return deaths.length >= MOST_DEATHS;
  }

  /**
   * @param {string} name
   * @returns {Promise<void>} Resolves when the session lives on that transport and the old wire is closed.
   */
  async switchTo(name) {
    const mover = await this.#move();
    await mover.switchTo(name);
  }

  /** Plans an attempt to get to a better transport, if there is one. */
  arm() {
    this.#move().then((mover) => mover.arm(), () => {});
  }

  async #move() {
    const { Mover } = await import("./move.js").catch((cause) => {
      throw new CometError("transport_failed", { cause });
    });
    return (this.#mover ??= new Mover(this.#session));
  }

  /**
   * A connect leaves.
   * @param {number} timeoutMs How long it may be held; 0: it is to be answered at once.
   * @returns {Record<string, number> | undefined} What it asks for, if that is anything unusual.
   */
  wish(timeoutMs) {
    const { holdMs, advice, options } = this.#session;
    this.#askedAt = options.clock.now();
    const hidden = options.document?.visibilityState === "hidden";
    const timeout = timeoutMs === 0 || timeoutMs === holdMs ? { timeout: timeoutMs } : undefined;
    const interval = hidden && advice.intervalMs > 0 ? { interval: HIDDEN_INTERVAL_MS } : undefined;
    return timeout || interval ? { ...timeout, ...interval } : undefined;
  }

  /** Keeps what is known of this network. */
  save() {
    const { choice, holdMs, options } = this.#session;
    this.#memory.write(this.#place, options.clock.now(), { trials: choice.trials, holdMs });
  }

  stop() {
    const { clock } = this.#session.options;
    clock.clearTimeout(this.#tick);
    clock.clearTimeout(this.#prove);
    this.#unwatch();
    this.#return();
  }

  get #offline() {
    return /** @type {import("./scheduler/life.js").Page | undefined} */ (this.#session.options.page)?.navigator?.onLine === false;
  }

  #onTick() {
    const session = this.#session;
    const { clock } = session.options;
    const now = clock.now();
    const slept = now - this.#tickedAt - TICK_MS >= SLEPT_MS;
    this.#tickedAt = now;
    this.#tick = clock.setTimeout(() => {
      this.#onTick();
    }, TICK_MS);
    if (slept) session.wake();
    this.#look();
  }

  /** Looks which wire there is, and how it has done. */
  #look() {
    const session = this.#session;
    const { wire, choice } = session;
    const now = session.options.clock.now();
    if (wire !== this.#wire || session.status.state !== "connected") {
      this.#wire = wire;
      this.#since = now;
      return;
    }
    const trial = wire && choice.trials.get(wire.name);
    if (!trial || now - this.#since < STEADY_MS) return;
    trial.strikes = 0;
    // Its failures are forgotten when it has lived for as long as it would have to rest after the next.
    if (now - this.#since < trial.restMs) return;
    choice.trials.delete(wire.name);
    this.save();
  }

  #recall() {
    const session = this.#session;
    const { options, choice } = session;
    const { clock, url, page } = options;
    const now = clock.now();
    this.#place = `${new URL(url).origin} ${networkOf(/** @type {any} */ (page))}`;
    const { trials, holdMs } = this.#memory.read(this.#place, now);
    session.holdMs = Math.min(session.holdMs, holdMs);
    for (const [name, trial] of trials) {
      if (name !== session.wire?.name) choice.trials.set(name, { ...trial, until: Math.max(trial.until, now + SETTLE_MS) });
    }
  }

  #onNetwork() {
    const session = this.#session;
    const { choice, options } = session;
    const { page, clock } = options;
    if (this.#place.endsWith(` ${networkOf(/** @type {any} */ (page))}`)) {
      if (this.#offline) return;
      // Whatever failed may have failed for the sake of the network.
      for (const trial of choice.trials.values()) trial.until = clock.now();
    } else {
      this.save();
      choice.trials.clear();
      session.holdMs = Infinity;
      this.#recall();
    }
    this.arm();
  }

  /** Closes the wire, so that the page may be kept; the session waits until it is back. */
  #leave() {
    const session = this.#session;
    const { wire, status } = session;
    if (this.#back || !wire || status.state !== "connected" || session.crossing) return;
    session.crossing = new Promise((resolve) => {
      this.#back = () => resolve(undefined);
    });
    session.dropWire();
    wire.close();
  }

  #return() {
    if (!this.#back) return;
    this.#session.crossing = undefined;
    this.#back();
    this.#back = undefined;
  }
}

/** @param {unknown} page @returns {Storage | undefined} */
function storageOf(page) {
  try {
    return /** @type {any} */ (page)?.localStorage;
  } catch {
    return undefined;
  }
}
