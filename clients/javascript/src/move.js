/**
 * @file Moves a living session from one wire to another: on the user's wish, and back up to a better transport some time after it
 * failed. That nothing is lost, repeated or reordered on the way is the work of `tally.js`. Choosing the next wire after a failure is
 * the session's own business.
 */
import { CometError, errorFromReply } from "./error.js";

/** A better transport is never tried sooner than this after a connection was made. */
const LEAST_UPGRADE_MS = 1_000;

/**
 * @typedef {import("./transport/transport.js").Transport} Transport
 */

/** Moves one session. */
export class Mover {
  #session;
  /** @type {Promise<void> | undefined} */
  #moving;

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
    session.choice.prefer(name);
    session.options.clock.clearTimeout(session.upgradeTimer);
    await this.#moving?.catch(() => {});
    for (; session.status.state !== "connected"; await session.status.changed()) {
      if (session.status.state === "closed") throw new CometError("closed");
    }
    if (session.wire?.name !== name) await this.#move(name);
  }

  /** Plans an attempt to get back to a better transport, if there is one. */
  arm() {
    const session = this.#session;
    const { clock } = session.options;
    clock.clearTimeout(session.upgradeTimer);
    if (session.status.state !== "connected") return;
    const better = session.wire && session.choice.better(session.wire.name, clock.now());
    if (!better) return;
    const attempt = () => {
      if (session.status.state === "connected" && !this.#moving) this.#move(better.name).catch(() => this.#onFailure(better.name));
    };
    session.upgradeTimer = clock.setTimeout(attempt, Math.max(better.delayMs, LEAST_UPGRADE_MS));
  }

  /** @param {string} name */
  #onFailure(name) {
    const session = this.#session;
    session.choice.onFailure(name, session.options.clock.now(), false);
    this.arm();
  }

  /** @param {string} name */
  async #move(name) {
    const old = this.#session.wire;
    this.#moving = this.#carry(name);
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

  /** @param {string} name */
  async #carry(name) {
    const session = this.#session;
    const { courier, wire: old } = session;
    const wire = await session.makeWire(name);
    try {
      await wire.open();
      const crossing = this.#cross(wire, old);
      // Until the new wire has got the session for which it has asked.
      session.crossing = crossing.catch(() => {});
      await crossing;
    } catch (error) {
      wire.close();
      courier.onLost(wire, new CometError("connection_lost"));
      throw error;
    }
    await old?.retire(true);
    if (old) courier.onLost(old, new CometError("connection_lost"));
  }

  /**
   * @param {Transport} wire
   * @param {Transport | undefined} old
   */
  async #cross(wire, old) {
    const session = this.#session;
    const { clientId } = session;
    // A server that does not count might see a connect of the old wire last, and take the session back.
    if (!session.courier.counts) await old?.quiet?.();
    if (clientId === undefined || session.clientId !== clientId || session.wire !== old) throw new CometError("transport_failed");
    const reply = await session.ask(wire, clientId);
    if (!reply.successful) throw errorFromReply(reply.error);
    if (session.clientId !== clientId || session.wire !== old) throw new CometError("transport_failed");
    session.adopt(wire);
  }
}
