/**
 * @file Moves a living session from one wire to another without losing, repeating or reordering a message: on the user's wish, up to a
 * better transport some time after it failed, and onto one that opened too slowly to be waited for. Where the server counts, `tally.js` keeps the events in order. Choosing the
 * next wire after a failure is the session's own business.
 */
import { CometError, errorFromReply } from "./error.js";

/** Events that may wait on the new wire for the old one to fall silent. */
const MOST_WAITING = 1_000;

/** A better transport is never tried sooner than this after a connection was made. */
const LEAST_UPGRADE_MS = 1_000;

/**
 * @typedef {import("./message.js").Message} Message
 * @typedef {import("./transport/transport.js").Transport} Transport
 */

/** Moves one session. */
export class Mover {
  #session;
  /** @type {Promise<void> | undefined} */
  #moving;
  /** @type {Promise<void> | undefined} */
  #change;
  /** @type {Transport | undefined} The wire whose opening is awaited. */
  #late;

  /** @param {import("./session.js").Session} session */
  constructor(session) {
    this.#session = session;
  }

  /**
   * @param {string} name
   * @returns {Promise<void>} Resolves when the session lives on that transport and the old wire is closed.
   */
  async switchTo(name) {
    const session = this.#session;
    if (!session.choice.usable.includes(name)) throw new CometError("transport_failed", { cause: name });
    session.choice.order = [name, ...session.options.transports.filter((each) => each !== name)];
    session.choice.trials.delete(name);
    session.options.clock.clearTimeout(session.upgradeTimer);
    do {
      await this.#moving?.catch(() => {});
      for (; session.status.state !== "connected"; await this.#changed()) {
        if (session.status.state === "closed") throw new CometError("closed");
      }
    } while (this.#moving);
    if (session.wire?.name === name) return;
    await this.#move(name).catch((error) => {
      // It stays the preferred one, and is tried again later.
      this.#onFailure(name);
      throw error;
    });
  }

  /** @returns {Promise<void>} Resolves when the state has changed. */
  #changed() {
    return (this.#change ??= new Promise((resolve) => {
      this.#session.status.onChange = () => {
        this.#change = undefined;
        resolve();
      };
    }));
  }

  /** Plans an attempt to get to a better transport, if there is one. */
  arm() {
    const session = this.#session;
    const { clock } = session.options;
    clock.clearTimeout(session.upgradeTimer);
    if (session.status.state !== "connected" || this.#await()) return;
    const better = betterThan(session.wire?.name, session.choice, clock.now());
    if (better) session.upgradeTimer = clock.setTimeout(() => this.#try(better.name), Math.max(better.delayMs, LEAST_UPGRADE_MS));
  }

  /** @returns {boolean} Whether a better wire is opening; it is taken when it has. */
  #await() {
    const session = this.#session;
    const { late } = session;
    if (!late || late === this.#late) return late !== undefined;
    this.#late = late;
    const { name } = late;
    const isWanted = () => {
      const wanted = session.late === late;
      if (wanted) session.late = undefined;
      return wanted;
    };
    late.open().then(
      () => isWanted() && this.#try(name, late),
      () => isWanted() && this.arm(),
    );
    return true;
  }

  /**
   * @param {string} name
   * @param {Transport} [late] It is open.
   */
  #try(name, late) {
    const session = this.#session;
    if (session.status.state === "connected" && !this.#moving && session.wire && session.wire.name !== name) {
      this.#move(name, late).catch(() => this.#onFailure(name));
    } else {
      late?.close();
      // It opens, so nothing speaks against trying again.
      if (late) session.choice.trials.delete(name);
    }
  }

  /** @param {string} name */
  #onFailure(name) {
    const session = this.#session;
    session.choice.onFailure(name, session.options.clock.now(), false);
    session.vigil?.save();
    this.arm();
  }

  /**
   * @param {string} name
   * @param {Transport} [late] It is open.
   */
  async #move(name, late) {
    const old = this.#session.wire;
    this.#moving = this.#carry(name, late);
    try {
      await this.#moving;
      this.arm();
    } catch (error) {
      // The server has ended the old wire's connect for the sake of the new one's.
      if (this.#session.wire === old) this.#session.probe();
      throw error;
    } finally {
      this.#moving = undefined;
    }
  }

  /**
   * @param {string} name
   * @param {Transport} [late] It is open.
   */
  async #carry(name, late) {
    const session = this.#session;
    const { courier, wire: old } = session;
    const wire = late ?? (await session.makeWire(name));
    const order = new Order(wire);
    const release = () => {
      if (session.tally === order) session.tally = undefined;
      courier.onMessages(order.release());
    };
    try {
      await wire.open();
      // The page may have been put away meanwhile.
      if (session.wire !== old) throw new CometError("transport_failed");
      if (!courier.counts) session.tally = order;
      const crossing = this.#cross(wire, old);
      // Until the new wire has got the session for which it has asked.
      session.crossing = crossing.then(() => {}, () => {}).then(() => {
        session.crossing = undefined;
      });
      await crossing;
    } catch (error) {
      wire.close();
      courier.onLost(wire, new CometError("connection_lost"));
      release();
      throw error;
    } finally {
      courier.held = false;
      courier.kick();
    }
    await old?.retire(true);
    if (old) courier.onLost(old, new CometError("connection_lost"));
    release();
  }

  /**
   * @param {Transport} wire
   * @param {Transport | undefined} old
   */
  async #cross(wire, old) {
    const session = this.#session;
    const { clientId, courier } = session;
    // A server that counts tells old connects from new ones, and sends again what is lost with one. With another server a connect still
    // on its way over the old wire might be the last to arrive, and win the session back.
    const { counts } = courier;
    if (!counts) await session.probe();
    // The server reads nothing more from a socket it has left, and two wires may overtake each other.
    courier.held = true;
    await silence(courier.exchanges, (exchange) => exchange.wire === old && !(counts && exchange.text.startsWith('{"channel":"/meta/connect"')));
    if (!counts) await old?.quiet?.();
    if (clientId === undefined || session.clientId !== clientId || session.wire !== old) throw new CometError("transport_failed");
    const reply = await session.ask(wire, clientId);
    if (!reply.successful) throw errorFromReply(reply.error);
    if (session.clientId !== clientId || session.wire !== old) throw new CometError("transport_failed");
    session.adopt(wire);
  }
}

/** The order of events where no tally keeps it: those of the new wire wait until the old one has fallen silent. */
class Order {
  /** @type {Message[] | undefined} */
  #waiting = [];
  #wire;

  /** @param {Transport} wire The new one. */
  constructor(wire) {
    this.#wire = wire;
  }

  /** @returns {number | undefined} Nothing is counted. */
  onConnect() {
    return undefined;
  }

  stop() {}

  /**
   * @param {Transport} wire
   * @param {Message[]} messages
   * @returns {Message[]} What need not wait.
   */
  take(wire, messages) {
    if (wire !== this.#wire || !this.#waiting) return messages;
    this.#waiting.push(...messages.filter(({ successful }) => successful === undefined));
    const replies = messages.filter(({ successful }) => successful !== undefined);
    return this.#waiting.length > MOST_WAITING ? [...this.release(), ...replies] : replies;
  }

  /** @returns {Message[]} What has waited; nothing more will. */
  release() {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    return waiting;
  }
}

/**
 * @param {import("./exchange.js").Exchanges} exchanges
 * @param {(exchange: import("./exchange.js").Exchange) => boolean} which
 * @returns {Promise<unknown>} Resolves when each of these has been answered or lost, which the deadlines bound.
 */
function silence({ table }, which) {
  const outstanding = [...table.values()].filter(which);
  return Promise.all(outstanding.map((exchange) => new Promise((resolve) => (exchange.onOver = resolve))));
}

/**
 * @param {string | undefined} name The transport in use.
 * @param {import("./transport/choice.js").Choice} choice
 * @param {number} now
 * @returns {{ name: string, delayMs: number } | undefined} The better one that may be tried first, and when.
 */
export function betterThan(name, { usable, trials }, now) {
  const better = usable.slice(0, Math.max(usable.indexOf(name ?? ""), 0));
  const whens = better.map((each) => ({ name: each, delayMs: Math.max((trials.get(each)?.until ?? 0) - now, 0) }));
  return whens.sort((a, b) => a.delayMs - b.delayMs)[0];
}
