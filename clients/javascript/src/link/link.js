/**
 * @file A tab's end of the link: finds the host or makes one, shows who the tab is, and hands frames to what the tab's own client takes
 * for a WebSocket. Everything else that the host says goes to `shared.js`. A host that dies or stays silent ends the socket; the client
 * opens the next one, and a host is looked for again.
 */
import { CometError } from "../error.js";
import { Pause } from "../scheduler/clock.js";
import { Election } from "./election.js";
import { Host } from "./host.js";
import { held, locksExist, onFree } from "./lock.js";
import { hostLock, linkName, newName, tabLock } from "./name.js";
import { channelPort, directPorts } from "./port.js";
import { HOST_WORDS, readWord } from "./word.js";

/** How long a host may take to answer the first word: a worker has to be loaded first. */
const WELCOME_MS = 15_000;
/** How often the host is asked whether it lives, and after how many questions without an answer it counts as stuck. */
const PING_MS = 5_000;
const MOST_PINGS = 3;
/** Frames after which the host learns that they were taken in, and the longest time after which it does. */
const TAKEN_FRAMES = 50;
const TAKEN_MS = 100;
/** Close code of a session that is no more. */
const GONE = 4402;

/**
 * Where a host may live.
 * @typedef {"worker" | "leader" | "alone"} Place
 * @typedef {import("./port.js").Port} Port
 */

/**
 * @typedef {object} LinkOptions
 * @property {string} url Absolute.
 * @property {Record<string, unknown>} options Those of the one session that a port can carry.
 * @property {import("./host.js").Surroundings["platform"]} platform Those that none can, for a host in this page.
 * @property {readonly Place[]} via In the order in which they are tried.
 * @property {string} [identity] Who shares the link; the token itself where nothing is said.
 * @property {import("../options.js").Options["token"]} token
 * @property {import("../scheduler/clock.js").Clock} clock
 * @property {(word: any) => void} onWord
 * @property {() => void} onChange The host was lost.
 * @property {(error: CometError) => void} onError
 */

/** The link of one tab. */
export class Link {
  /** Names the tab among all there ever were. */
  tab = newName();
  #options;
  /** @type {Promise<unknown> | undefined} */
  #living;
  /** @type {() => void} */
  #die = () => {};
  /** @type {Set<Place>} */
  #failed = new Set();
  /** @type {{ name: string, election: Election } | undefined} */
  #standing;
  /** @type {Host | undefined} */
  #own;
  /** @type {LinkSocket | undefined} */
  #socket;
  /** @type {Port | undefined} */
  #port;
  /** What ends the watch over the host. */
  #unwatch = () => {};
  #ended = false;
  /** The token that was shown last, and whether nobody has got it yet. */
  #shown = { text: /** @type {string | undefined} */ (undefined), fresh: false };
  /** A token that is another one's: it is shown to the next host. @type {{ text: string | undefined } | undefined} */
  #changed;

  /** @param {LinkOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** Whether there is a host. */
  get found() {
    return this.#port !== undefined;
  }

  /** Whether messages may leave: the host has a connection, or there is no time to wait for one. @type {() => boolean} */
  open = () => true;

  /** @returns {LinkSocket} What the tab's client takes for a WebSocket. */
  socket() {
    this.#socket?.close();
    this.#socket = new LinkSocket(this);
    this.#open(this.#socket);
    return this.#socket;
  }

  /** @param {Record<string, unknown>} word @returns {boolean} Whether there was anybody to hear it. */
  post(word) {
    this.#port?.post(word);
    return this.found;
  }

  /** @param {{ id: number }} word The host asks for the token. */
  async onToken({ id }) {
    try {
      const { fresh, text: shown } = this.#shown;
      this.#shown.fresh = false;
      const text = fresh ? shown : await this.#token();
      const changed = this.#options.identity === undefined && text !== shown;
      if (changed) this.#changed = { text };
      this.post({ word: "token", id, text, changed });
    } catch {
      this.post({ word: "token", id, failed: true });
    }
  }

  /** @returns {Promise<void>} Resolves when a host in this page has ended its session. */
  async end() {
    this.#ended = true;
    this.#drop();
    await Promise.all([this.#standing?.election.stop(), this.#own?.close()]);
    this.#die();
  }

  /** @param {LinkSocket} socket The client has closed it. */
  onClosed(socket) {
    if (socket === this.#socket) this.#drop();
  }

  /** @param {LinkSocket} socket */
  async #open(socket) {
    try {
      const port = await this.#find();
      if (socket !== this.#socket || this.#ended) return this.#turnAway(port);
      const { url, options, token } = this.#options;
      const hello = { word: "hello", tab: this.tab, url, options, secret: token !== undefined };
      await this.#answer(port, hello, "welcome", (welcome) => {
        if (socket !== this.#socket || this.#ended) this.#turnAway(port);
        else this.#enter(socket, port, welcome);
      });
    } catch (error) {
      if (error instanceof CometError && error.code === "token_failed") this.#options.onError(error);
      socket.onGone(1006);
    }
  }

  /** @returns {Promise<Port>} A way to a host. */
  async #find() {
    const { identity, url, options, via, platform } = this.#options;
    if (locksExist()) await (this.#living ??= held(tabLock(this.tab)).then((release) => (this.#die = release)));
    if (identity === undefined) this.#shown = { text: this.#changed ? this.#changed.text : await this.#token(), fresh: true };
    this.#changed = undefined;
    const name = via.some((place) => this.#usable(place)) ? await linkName([url, identity ?? null, this.#shown.text ?? null, options]) : "";
    for (const place of via) {
      if (!this.#usable(place)) continue;
      const port = await (place === "worker" ? this.#worker(name) : this.#leader(name)).catch(() => undefined);
      if (port) return port;
      this.#failed.add(place);
    }
    this.#own ??= new Host({ watch: () => () => {}, platform });
    const [ours, theirs] = directPorts();
    this.#own.attach(theirs);
    return ours;
  }

  /** @param {Place} place Without locks nobody learns of a death, and nothing can be shared. */
  #usable(place) {
    const needed = { worker: "SharedWorker", leader: "BroadcastChannel", alone: "" }[place];
    return needed !== "" && needed in globalThis && locksExist() && !this.#failed.has(place);
  }

  /** @param {string} name @returns {Promise<Port>} */
  async #worker(name) {
    const worker = new SharedWorker(new URL("./worker.js", import.meta.url), { type: "module", name });
    const broken = new Promise((_, reject) => (worker.onerror = reject));
    const port = channelPort(worker.port);
    // It answers, or it could not be loaded.
    await Promise.race([broken, this.#answer(port, { word: "ping" }, "pong")]);
    return port;
  }

  /** @param {string} name @returns {Promise<Port>} */
  async #leader(name) {
    if (this.#standing?.name !== name) {
      this.#standing?.election.stop();
      this.#standing = { name, election: new Election(name, this.tab, this.#options.platform) };
    }
    return this.#standing.election.port();
  }

  /** @param {Port} port Nobody needs it any more. */
  #turnAway(port) {
    port.post({ word: "leave" });
    port.close();
  }

  /**
   * We are welcome.
   * @param {LinkSocket} socket
   * @param {Port} port
   * @param {any} welcome
   */
  #enter(socket, port, welcome) {
    this.#port = port;
    let [taken, told, pings] = [0, 0, 0];
    /** @type {unknown} */
    let takenTimer;
    const { clock } = this.#options;
    const tell = () => {
      clock.clearTimeout(takenTimer);
      takenTimer = undefined;
      told = taken;
      port.post({ word: "taken", count: taken });
    };
    const ping = () => {
      if ((pings += 1) > MOST_PINGS) return this.#onStuck();
      port.post({ word: "ping" });
      pingTimer = clock.setTimeout(ping, PING_MS);
    };
    let pingTimer = clock.setTimeout(ping, PING_MS);
    const watched = !this.#own && !this.#standing?.election.leads && onFree(hostLock(welcome.host), () => this.#lose());
    this.#unwatch = () => {
      clock.clearTimeout(takenTimer);
      clock.clearTimeout(pingTimer);
      if (watched) watched();
    };
    port.onWord = (value) => {
      const word = readWord(value, HOST_WORDS);
      if (!word) return;
      if (word.word === "frame") {
        socket.onmessage?.({ data: word.text });
        taken += 1;
        if (taken - told >= TAKEN_FRAMES) tell();
        else takenTimer ??= clock.setTimeout(tell, TAKEN_MS);
      } else if (word.word === "pong") {
        pings = 0;
      } else if (word.word === "gone") {
        this.#lose();
      } else {
        this.#options.onWord(word);
      }
    };
    this.#options.onWord({ ...welcome, word: "status" });
    socket.onWelcome();
  }

  /**
   * @param {Port} port
   * @param {Record<string, unknown>} question
   * @param {string} answer
   * @param {(word: any) => void} [onAnswer]
   * @returns {Promise<void>} Rejects when there is none.
   */
  async #answer(port, question, answer, onAnswer = () => {}) {
    const pause = new Pause(this.#options.clock, WELCOME_MS);
    const answered = new Promise((resolve) => {
      port.onWord = (value) => {
        const word = readWord(value, HOST_WORDS);
        if (word?.word === answer) onAnswer(word);
        if (word?.word === answer || word?.word === "gone") resolve(word.word === answer);
      };
    });
    port.start();
    port.post(question);
    const there = await Promise.race([answered, pause.over]);
    pause.end();
    if (there) return;
    this.#turnAway(port);
    throw new CometError("transport_failed");
  }

  /** The host lives and does not answer. */
  #onStuck() {
    this.#standing?.election.steal();
    this.#lose();
  }

  /** The host is gone: the client begins anew with the next one. */
  #lose() {
    const socket = this.#socket;
    this.#drop();
    socket?.onGone(GONE);
  }

  #drop() {
    const port = this.#port;
    this.#port = undefined;
    this.#socket = undefined;
    this.#unwatch();
    this.#unwatch = () => {};
    if (!port) return;
    this.#turnAway(port);
    this.#options.onChange();
  }

  /** @returns {Promise<string | undefined>} */
  async #token() {
    const { token } = this.#options;
    try {
      return typeof token === "function" ? await token() : token;
    } catch (cause) {
      throw new CometError("token_failed", { cause });
    }
  }
}

/** As much of a WebSocket as the client needs. */
export class LinkSocket {
  readyState = 0;
  /** @type {((event: object) => void) | null} */
  onopen = null;
  /** @type {((event: { data: string }) => void) | null} */
  onmessage = null;
  /** @type {((event: { code: number, reason: string }) => void) | null} */
  onclose = null;
  /** @type {((event: object) => void) | null} */
  onerror = null;
  #link;

  /** @param {Link} link */
  constructor(link) {
    this.#link = link;
  }

  /** Messages wait with the tab while the host has no connection. */
  get bufferedAmount() {
    return this.#link.open() ? 0 : Infinity;
  }

  /** @param {string} text */
  send(text) {
    this.#link.post({ word: "frame", text });
  }

  close() {
    this.readyState = 3;
    this.#link.onClosed(this);
  }

  /** The host lets us in. */
  onWelcome() {
    if (this.readyState !== 0) return;
    this.readyState = 1;
    this.onopen?.({});
  }

  /** @param {number} code */
  onGone(code) {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.onclose?.({ code, reason: "" });
  }
}
