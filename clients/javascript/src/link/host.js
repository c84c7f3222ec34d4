/**
 * @file The one real client of many tabs: it holds the session with the server and gives each tab a seat. It lives in a shared worker,
 * in the tab that leads, or in a tab that is alone. When it dies another one begins anew, and every tab asks from where it has got.
 * Tabs come in by ports; that they have died is told by their locks. The session ends when the last of them has left.
 */
import { CometError } from "../error.js";
import { settle } from "../options.js";
import { systemClock } from "../scheduler/clock.js";
import { Session } from "../session.js";
import { newName } from "./name.js";
import { Seat, TAB_FIELD } from "./seat.js";
import { TAB_WORDS, readWord } from "./word.js";

/** Tabs of one link. More are turned away, and find a way of their own. */
const MOST_TABS = 256;
/** How long a tab may take to name its token. */
const TOKEN_MS = 10_000;

/**
 * @typedef {import("./port.js").Port} Port
 * @typedef {import("../message.js").Event} Event
 */

/**
 * One tab and what belongs to it.
 * @typedef {object} Guest
 * @property {Port} port
 * @property {string} tab
 * @property {Seat} seat
 * @property {boolean} secret Whether it has a token.
 * @property {() => void} unwatch
 */

/**
 * What a host is given by the place it lives in.
 * @typedef {object} Surroundings
 * @property {(tab: string, run: () => void) => () => void} watch Calls when a tab has died; gives what ends the watch.
 * @property {Partial<import("../options.js").Options>} [platform] For tests and for tabs that are alone: options that no port can carry.
 */

/** A host. */
export class Host {
  /** Names this host among all there ever were. */
  id = newName();
  clock = systemClock;
  /** @type {Session} */
  session = /** @type {any} */ (undefined);
  #surroundings;
  /** @type {Map<Seat, Guest>} */
  #guests = new Map();
  /** @type {WeakMap<Event, string>} */
  #texts = new WeakMap();
  /** Refusals that belong to one tab alone. @type {WeakSet<CometError>} */
  #answered = new WeakSet();
  /** @type {Map<number, (word: any) => void>} */
  #tokens = new Map();
  #lastToken = 0;
  #running = false;
  /** @type {Promise<void> | undefined} */
  #ending;
  #probing = false;

  /** @param {Surroundings} surroundings */
  constructor(surroundings) {
    this.#surroundings = surroundings;
  }

  /** Whether the session has a connection. */
  get connected() {
    return this.#running && this.session.status.state === "connected";
  }

  /** @param {Port} port Somebody is at the other end, and says who. */
  attach(port) {
    /** @type {Guest | undefined} */
    let guest;
    port.onWord = (value) => {
      const word = readWord(value, TAB_WORDS);
      if (!word) return;
      if (guest && this.#guests.has(guest.seat)) this.#onWord(guest, word);
      else if (guest && word.everyone) this.close(true);
      else if (guest) port.close();
      else if (word.word === "hello") guest = this.#welcome(port, word);
      else if (word.word === "ping") port.post({ word: "pong" });
      else if (word.word === "leave") port.close();
    };
    port.start();
  }

  /**
   * @param {Event} event
   * @returns {string} As it goes to every tab.
   */
  textOf(event) {
    let text = this.#texts.get(event);
    if (text === undefined) {
      const { channel, data, id, ext } = event;
      const { [TAB_FIELD]: _, ...rest } = ext ?? {};
      text = JSON.stringify({ channel, data, id, ext: ext && rest });
      this.#texts.set(event, text);
    }
    return text;
  }

  /** Asks the server for a sign, once for all who want it in this moment. */
  probe() {
    if (this.#probing) return;
    this.#probing = true;
    queueMicrotask(() => {
      this.#probing = false;
      this.session.probe();
    });
  }

  /** @param {CometError} error What a tab is told by the refusal of its own subscription. */
  onRefused(error) {
    this.#answered.add(error);
  }

  /** @param {Seat} seat The tab has to begin anew: what it has missed is known to it alone. */
  renew(seat) {
    // Not under the feet of whoever goes through the listeners.
    queueMicrotask(() => {
      const guest = this.#guests.get(seat);
      if (!guest) return;
      guest.port.post({ word: "gone" });
      guest.port.close();
      this.#remove(guest);
    });
  }

  /** @param {Seat} seat It has said goodbye. */
  leave(seat) {
    const guest = this.#guests.get(seat);
    if (!guest) return;
    this.#remove(guest);
    if (this.#guests.size === 0) this.#end();
  }

  /**
   * Ends the session and lets every tab go.
   * @param {boolean} [forGood] Whether the tabs are to end too, and not to look for another link.
   * @returns {Promise<void>} Resolves when the server knows, or has not answered in time.
   */
  async close(forGood = false) {
    if (forGood) for (const { seat } of this.#guests.values()) seat.end(new CometError("closed"));
    else for (const { seat } of this.#guests.values()) this.renew(seat);
    await this.#end();
  }

  /** @returns {Promise<void>} */
  async #end() {
    if (this.#running) {
      this.#running = false;
      this.#ending = this.session.close();
    }
    await this.#ending;
  }

  /**
   * @param {Port} port
   * @param {any} hello
   * @returns {Guest | undefined}
   */
  #welcome(port, { tab, url, options, secret }) {
    for (const guest of this.#guests.values()) {
      if (guest.tab !== tab) continue;
      guest.port.close();
      this.#remove(guest);
    }
    if (this.#guests.size >= MOST_TABS) {
      port.post({ word: "gone" });
      return undefined;
    }
    if (!this.#running) this.#start(url, options, secret);
    const seat = new Seat(this, tab, (text) => port.post({ word: "frame", text }));
    /** @type {Guest} */
    const guest = { port, tab, seat, secret, unwatch: () => {} };
    this.#guests.set(seat, guest);
    guest.unwatch = this.#surroundings.watch(tab, () => {
      port.close();
      this.leave(seat);
    });
    port.post({ ...this.#status(), word: "welcome", host: this.id });
    return guest;
  }

  /**
   * @param {string} url
   * @param {Record<string, any>} options
   * @param {boolean} secret
   */
  #start(url, options, secret) {
    const settled = settle(url, { ...options, ...this.#surroundings.platform, token: secret ? () => this.#token() : undefined });
    this.clock = settled.clock;
    /** @type {Session} */
    const session = new Session(settled, (type, detail) => this.#tell(session, type, detail));
    this.session = session;
    this.#running = true;
    session.run();
  }

  /**
   * @param {Session} session
   * @param {"state" | "transport" | "error"} type
   * @param {any} detail
   */
  #tell(session, type, detail) {
    if (session !== this.session || !this.#running) return;
    if (type === "error") return this.#onError(detail);
    const guests = [...this.#guests.values()];
    for (const { port } of guests) port.post(this.#status());
    if (detail === "connected") {
      const { counts } = session.courier;
      for (const { seat } of guests) {
        if (seat.counts !== undefined && seat.counts !== counts) this.renew(seat);
        else seat.onConnected();
      }
    }
    if (detail === "closed") {
      this.#running = false;
      for (const { seat } of guests) seat.end(this.#last ?? new CometError("closed"));
    }
  }

  /** What may turn out to be the end. @type {CometError | undefined} */
  #last;

  /** @param {CometError} error */
  #onError(error) {
    if (this.#answered.has(error)) return;
    this.#last = error;
    queueMicrotask(() => {
      this.#last = undefined;
      // Who is ended by it hears of it by that.
      if (!this.#running) return;
      const { code, number, message, retryAfterMs } = error;
      for (const { port } of this.#guests.values()) port.post({ word: "error", code, number, message, retryAfterMs });
    });
  }

  #status() {
    const { status, wire, clientId } = this.session;
    return { word: "status", state: status.state, transport: status.state === "connected" ? wire?.name : undefined, clientId };
  }

  /**
   * @param {Guest} guest
   * @param {any} word
   */
  #onWord(guest, word) {
    switch (word.word) {
      case "frame":
        return guest.seat.onFrame(word.text);
      case "taken":
        return guest.seat.onTaken(word.count);
      case "token":
        return this.#tokens.get(word.id)?.(word);
      case "move":
        return void this.#move(guest, word);
      case "wake":
        return this.session.wake();
      case "leave":
        if (word.everyone) this.close(true);
        this.leave(guest.seat);
        return guest.port.close();
      case "ping":
        return guest.port.post({ word: "pong" });
      default:
        return undefined;
    }
  }

  /** @param {Guest} guest @param {{ id: number, name: string }} word */
  async #move({ port }, { id, name }) {
    try {
      await (await this.session.watch()).switchTo(name);
      port.post({ word: "moved", id });
    } catch (error) {
      const { code, number, message } = error instanceof CometError ? error : new CometError("transport_failed");
      port.post({ word: "moved", id, code, number, message });
    }
  }

  /** @returns {Promise<string>} The token of the first tab that can name one. */
  async #token() {
    for (const { port, secret } of [...this.#guests.values()]) {
      const word = secret && (await this.#ask(port));
      if (word && word.changed) {
        // Whose link this was is no longer sure: each tab shows again who it is.
        this.close();
        break;
      }
      if (word && !word.failed) return word.text;
    }
    throw new CometError("token_failed");
  }

  /** @param {Port} port @returns {Promise<any>} The answer, or nothing. */
  async #ask(port) {
    const id = (this.#lastToken += 1);
    const word = await new Promise((resolve) => {
      const timer = this.clock.setTimeout(() => resolve(undefined), TOKEN_MS);
      this.#tokens.set(id, (answer) => {
        this.clock.clearTimeout(timer);
        resolve(answer);
      });
      port.post({ word: "token", id });
    });
    this.#tokens.delete(id);
    return word;
  }

  /** @param {Guest} guest */
  #remove(guest) {
    this.#guests.delete(guest.seat);
    guest.unwatch();
    guest.seat.close();
  }
}
