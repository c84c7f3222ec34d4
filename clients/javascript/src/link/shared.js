/**
 * @file A client that several tabs of one browser share: the same to its user as `Comet`, and inside a `Comet` of its own whose
 * connection is not to the server but to the host of the link. So all that is promised of subscriptions, positions and recovery holds
 * between tab and host as it does between host and server, also when another host takes over.
 */
import { checkName } from "../channel.js";
import { Comet } from "../comet.js";
import { CometError } from "../error.js";
import { settle } from "../options.js";
import { Pause } from "../scheduler/clock.js";
import { watchWake } from "../scheduler/wake.js";
import { Link } from "./link.js";
import { restore } from "./refusal.js";
import { CALL_CHANNEL } from "./seat.js";

/** No network lies between tab and host: answers are awaited for as long as both live. */
const FOREVER_MS = 2_000_000_000;
/** Finding a host may take as long as the script of a worker takes to load. */
const FIND_MS = 60_000;
/** What the tab's own client says when the host is gone, and of which the next host is the cure. */
const BETWEEN_US = ["closed", "connection_lost", "session_expired", "session_unknown", "timeout", "transport_failed"];
/** Options that say how the link is used, not what it is. */
const OWN = ["token", "identity", "via"];

/**
 * @typedef {object} SharedOptions
 * @property {string} [identity] Names the user: tabs that say the same share a link, whatever their tokens. Without it those do whose
 *   tokens are the same text.
 * @property {readonly import("./link.js").Place[]} [via] Where the one connection may live, in order: "worker", "leader".
 */

/**
 * A client whose connection is shared by all tabs of a browser that have the same address, the same options and the same identity.
 * Events and methods are those of `Comet`.
 */
export class SharedComet extends EventTarget {
  #comet;
  #link;
  #clock;
  #goodbyeMs;
  #unwatch;
  #closing = false;
  /** What the host has said last, while there is one. @type {{ state: string, transport?: string, clientId?: string } | undefined} */
  #status;
  #told = { state: "connecting", transport: /** @type {string | undefined} */ (undefined) };
  /** @type {Map<number, { word: Record<string, unknown>, resolve: () => void, reject: (error: CometError) => void }>} */
  #moves = new Map();
  #lastMove = 0;

  /**
   * @param {string | URL} url Address of the server, relative to the page where there is one.
   * @param {import("../options.js").Options & SharedOptions} [options]
   */
  constructor(url, options = {}) {
    super();
    const settled = settle(url, options);
    const entries = Object.entries(options).filter(([name]) => !OWN.includes(name));
    const carried = entries.filter(([, value]) => Array.isArray(value) || ["string", "number", "boolean"].includes(typeof value));
    this.#clock = settled.clock;
    this.#goodbyeMs = settled.networkDelayMs;
    const link = new Link({
      url: settled.url,
      options: Object.fromEntries(carried.sort(([a], [b]) => (a < b ? -1 : 1))),
      platform: Object.fromEntries(entries.filter((entry) => !carried.includes(entry))),
      via: options.via ?? ["worker", "leader"],
      identity: options.identity,
      token: options.token,
      clock: settled.clock,
      onWord: (word) => this.#onWord(word),
      onChange: () => this.#onLost(),
      onError: (error) => this.#tell("error", error),
    });
    this.#link = link;
    link.open = () => this.#closing || this.#status?.state === "connected";
    this.#comet = new Comet(settled.url, {
      transports: ["websocket"],
      WebSocket: /** @type {any} */ (function () {
        return link.socket();
      }),
      networkDelayMs: FOREVER_MS,
      openTimeoutMs: FIND_MS,
      backoffBaseMs: 100,
      backoffCapMs: 2_000,
      queueMessages: settled.queueMessages,
      queueBytes: settled.queueBytes,
      page: new EventTarget(),
      clock: settled.clock,
      random: settled.random,
    });
    this.#comet.addEventListener("state", () => this.#update());
    this.#comet.addEventListener("error", (event) => {
      const { detail } = /** @type {CustomEvent} */ (event);
      if (!BETWEEN_US.includes(detail.code)) this.#tell("error", restore(detail));
    });
    const end = new AbortController();
    const unwatch = watchWake(settled.page, settled.document, () => link.post({ word: "wake" }));
    // A page that goes for good says so, as far as it is given the time.
    settled.page?.addEventListener?.("pagehide", (event) => !(/** @type {any} */ (event).persisted) && link.end(), end);
    this.#unwatch = () => {
      unwatch();
      end.abort();
    };
  }

  /** "connecting", "connected", "waiting" (before another attempt) or "closed" (for good). @returns {import("../status.js").State} */
  get state() {
    const ours = this.#comet.state;
    const theirs = this.#status?.state;
    if (ours === "closed" || !theirs) return ours;
    if (theirs === "connected") return ours === "connected" ? ours : "connecting";
    return theirs === "waiting" ? theirs : "connecting";
  }

  /** Name of the transport that the one connection uses, if there is a connection. @returns {string | undefined} */
  get transport() {
    return this.state === "connected" ? this.#status?.transport : undefined;
  }

  /** Id of the one session, if there is one. It is a secret of this link. @returns {string | undefined} */
  get clientId() {
    return this.#status?.clientId;
  }

  /**
   * @param {string} channel
   * @param {(event: import("../message.js").Event) => void} callback
   * @param {import("../subscription.js").SubscribeOptions} [options]
   * @returns {import("../subscription.js").Subscription}
   */
  subscribe(channel, callback, options) {
    return this.#comet.subscribe(channel, callback, options);
  }

  /**
   * @param {string} channel
   * @param {Parameters<Comet["messages"]>[1]} [options]
   * @returns {import("../stream.js").MessageStream}
   */
  messages(channel, options) {
    return this.#comet.messages(channel, options);
  }

  /**
   * @param {string} channel
   * @param {unknown} data
   * @param {import("../comet.js").PublishOptions} [options]
   * @returns {Promise<import("../courier.js").Receipt>}
   */
  async publish(channel, data, options) {
    try {
      return await this.#comet.publish(channel, data, options);
    } catch (error) {
      throw restore(error);
    }
  }

  /**
   * @param {string} channel
   * @param {unknown} data
   * @param {{ timeoutMs?: number }} [options]
   * @returns {Promise<any>}
   */
  async call(channel, data, { timeoutMs = 10_000 } = {}) {
    checkName(channel);
    if (data === undefined) throw new CometError("data_missing");
    try {
      return await this.#comet.call(CALL_CHANNEL, { channel, data, timeoutMs }, { timeoutMs });
    } catch (error) {
      throw restore(error);
    }
  }

  /**
   * Moves the one session to another transport, for all tabs.
   * @param {string} name
   * @returns {Promise<void>}
   */
  switchTransport(name) {
    return new Promise((resolve, reject) => {
      if (this.#closing || this.state === "closed") throw new CometError("closed");
      const id = (this.#lastMove += 1);
      const word = { word: "move", id, name };
      this.#moves.set(id, { word, resolve, reject });
      this.#link.post(word);
    });
  }

  /**
   * Says goodbye and ends for good; the last tab ends the session.
   * @param {{ everyone?: boolean }} [options] `everyone`: the link ends for all its tabs at once, as a user logs out.
   * @returns {Promise<void>} Never rejects.
   */
  async close({ everyone = false } = {}) {
    this.#closing = true;
    const over = this.#comet.close();
    const pause = new Pause(this.#clock, this.#goodbyeMs);
    await Promise.race([over, pause.over]);
    pause.end();
    if (everyone) this.#link.post({ word: "leave", everyone });
    await this.#link.end();
    await over;
  }

  /** Lets `await using` close the client. */
  [Symbol.asyncDispose]() {
    return this.close();
  }

  /** @param {any} word */
  #onWord(word) {
    switch (word.word) {
      case "status": {
        const found = !this.#status;
        this.#status = word;
        if (found) for (const move of this.#moves.values()) this.#link.post(move.word);
        return this.#update();
      }
      case "error":
        return this.#tell("error", new CometError(word.code, word));
      case "token":
        return void this.#link.onToken(word);
      case "moved": {
        const move = this.#moves.get(word.id);
        this.#moves.delete(word.id);
        if (word.code) move?.reject(new CometError(word.code, word));
        else move?.resolve();
        return undefined;
      }
      default:
        return undefined;
    }
  }

  /** There is no host, until another one is found: it is asked once more for what this one was asked. */
  #onLost() {
    this.#status = undefined;
    this.#update();
  }

  /** Tells what has changed. */
  #update() {
    const { state, transport } = this;
    const told = this.#told;
    this.#told = { state, transport: transport ?? told.transport };
    if (state === "closed") {
      this.#unwatch?.();
      for (const { reject } of this.#moves.values()) reject(new CometError("closed"));
      this.#moves.clear();
      // A host in this page, and this tab's part in finding one, end with it.
      if (!this.#closing) this.#link.end();
    }
    if (told.state !== state) this.#tell("state", state);
    if (transport && told.transport !== transport) this.#tell("transport", transport);
  }

  /** @param {string} type @param {unknown} detail */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
