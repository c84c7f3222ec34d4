/**
 * @file Moves a living session from one wire to another without losing, repeating or reordering a message: on the user's wish, and
 * back up to a better transport some time after it failed. Choosing the next wire after a failure is the session's own business.
 */
import { CometError, errorFromReply } from "./error.js";
import { isEvent } from "./message.js";

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
  /** @type {Promise<void> | undefined} The part of it in which the new wire has asked for the session and not yet got it. */
  #crossing;
  /** @type {unknown} */
  #timer;

  /** @param {import("./session.js").Session} session */
  constructor(session) {
    this.#session = session;
  }

  /** Whether another wire has asked for the session and not yet got it. */
  get crossing() {
    return this.#crossing !== undefined;
  }

  /** Resolves when it is certain which wire carries the session; no other connect may be sent before. */
  async settled() {
    await this.#crossing?.catch(() => {});
  }

  /**
   * @param {string} name
   * @returns {Promise<void>} Resolves when the session lives on that transport and the old wire is closed.
   */
  async switchTo(name) {
    const session = this.#session;
    if (!session.choice.usable.includes(name)) throw new CometError("transport_failed", { message: `${name} cannot be used here.` });
    session.choice.prefer(name);
    this.disarm();
    await this.#moving?.catch(() => {});
    await session.status.connected();
    if (session.wire?.name !== name) await this.#move(name);
  }

  /** Plans an attempt to get back to a better transport, if there is one. */
  arm() {
    this.disarm();
    const session = this.#session;
    const { clock } = session.options;
    const better = session.wire && session.choice.better(session.wire.name, clock.now());
    if (!better) return;
    const attempt = () => {
      if (session.status.state === "connected" && !this.#moving) this.#move(better.name).catch(() => this.#onFailure(better.name));
    };
    this.#timer = clock.setTimeout(attempt, Math.max(better.delayMs, LEAST_UPGRADE_MS));
  }

  /** Forgets the plan. */
  disarm() {
    this.#session.options.clock.clearTimeout(this.#timer);
  }

  /** @param {string} name */
  #onFailure(name) {
    const session = this.#session;
    session.choice.onFailure(name, session.options.clock.now(), false);
    if (session.status.state === "connected") this.arm();
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
    /** @type {Message[]} */
    const waiting = [];
    // Where events are numbered, the tally keeps their order.
    let holding = !courier.counts;
    const release = () => {
      holding = false;
      courier.onMessages(waiting.splice(0));
    };
    /** @param {Message[]} messages */
    const sift = (messages) => {
      if (!holding) return messages;
      waiting.push(...messages.filter(isEvent));
      if (waiting.length > MOST_WAITING) release();
      return messages.filter((message) => !isEvent(message));
    };
    const wire = await session.makeWire(name, sift);
    try {
      await wire.open();
      this.#crossing = this.#cross(wire, old);
      await this.#crossing;
    } catch (error) {
      wire.close();
      courier.onLost(wire, new CometError("connection_lost"));
      release();
      throw error;
    } finally {
      this.#crossing = undefined;
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
    const { clientId } = session;
    // A connect still on its way over the old wire might reach the server last and win the session back.
    await session.probe();
    await old?.quiet();
    if (clientId === undefined || session.clientId !== clientId || session.wire !== old) throw new CometError("transport_failed");
    const reply = await session.ask(wire, clientId);
    if (!reply.successful) throw errorFromReply(reply.error);
    if (session.clientId !== clientId || session.wire !== old) throw new CometError("transport_failed");
    session.adopt(wire);
  }
}
