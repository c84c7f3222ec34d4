/**
 * @file The player, its movie, and the lines that go through it: loaded when the first wire needs them, one for each address.
 * A line is one XMLSocket of the movie. What travels on it is not looked at here; who uses it is `flash.js`. The movie's source is
 * `clients/flash/Bridge.hx`: the page calls its functions, and it answers by fscommand, which needs no code made of text.
 */
import { CometError } from "../../error.js";

/** The player and its movie are megabytes, and come over the network the first time. */
const LOAD_MS = 60_000;
/** How long a player without a line is kept: whoever comes back after a loss needs no other. */
const LINGER_MS = 30_000;
/** What the movie is told to connect to; the player takes it to the WebSocket and nowhere else. */
const HOST = "comet";
const PORT = 8100;

/**
 * Where the parts lie, and whether the player's script is checked.
 * @typedef {object} FlashOptions
 * @property {string} [ruffle] Address of the script of Ruffle. "/comet/flash/ruffle/ruffle.js".
 * @property {string} [integrity] Its hash, as browsers check it.
 * @property {string} [movie] Address of the movie. "/comet/flash/bridge.swf".
 * @property {string} [url] Address of the WebSocket that carries the sockets. `xmlsocket` under that of the server.
 */

/**
 * What happens on a line.
 * @typedef {object} LineEvents
 * @property {() => void} onOpen The player believes in a connection.
 * @property {(text: string) => void} onText
 * @property {() => void} onEnd
 */

/**
 * The part of Ruffle's player that is used.
 * @typedef {object} Ruffle
 * @property {(options: object) => Promise<void>} load
 * @property {(name: string, ...args: unknown[]) => unknown} callExternalInterface
 * @property {(handler: (command: string, args: string) => void) => void} addFSCommandHandler
 * @typedef {HTMLElement & { ruffle: () => Ruffle }} Player
 */

/** @type {Map<string, Stage>} */
const stages = new Map();
let lastNumber = 0;

/** One socket of the movie. */
export class Line {
  #stage;
  #number = ++lastNumber;
  #clock;

  /**
   * @param {Stage} stage
   * @param {import("../../scheduler/clock.js").Clock} clock
   */
  constructor(stage, clock) {
    this.#stage = stage;
    this.#clock = clock;
    stage.lines.set(this.#number, undefined);
  }

  /** @param {LineEvents} events */
  open(events) {
    this.#stage.lines.set(this.#number, events);
    this.#call("open", HOST, PORT);
  }

  /** @param {string} text */
  send(text) {
    this.#call("send", text);
  }

  /**
   * @param {string} name
   * @param {...unknown} args
   */
  #call(name, ...args) {
    if (this.#stage.call(name, this.#number, ...args)) return;
    // A player that is busy with itself takes no call and says so by this alone: what was to be sent is lost.
    const events = this.#stage.lines.get(this.#number);
    queueMicrotask(() => events?.onEnd());
  }

  /** Closes it; nothing more is told of it. The player stays for a while. */
  release() {
    if (!this.#stage.lines.has(this.#number)) return;
    this.#stage.call("close", this.#number);
    this.#stage.lines.delete(this.#number);
    this.#clock.setTimeout(() => this.#stage.leave(), LINGER_MS);
  }

  /** It was never opened, for there is no player; others may still wait for one. */
  giveUp() {
    this.#stage.lines.delete(this.#number);
    this.#stage.leave();
  }
}

/** A player with the movie. */
class Stage {
  /** The lines in use by their numbers, and who hears of them. @type {Map<number, LineEvents | undefined>} */
  lines = new Map();
  /** Resolves when the movie plays. */
  ready;
  #key;
  /** @type {Player | undefined} */
  #player;
  #gone = false;

  /**
   * @param {string} key
   * @param {Document} document
   * @param {Required<FlashOptions>} options
   */
  constructor(key, document, options) {
    this.#key = key;
    this.ready = this.#build(document, options);
  }

  /**
   * @param {string} name
   * @param {...unknown} args
   * @returns {boolean} Whether the movie was called.
   */
  call(name, ...args) {
    return this.#player !== undefined && this.#player.ruffle().callExternalInterface(name, ...args) !== null;
  }

  /** Nobody may need it any more, also while it is being built. */
  leave() {
    if (this.lines.size > 0) return;
    if (stages.get(this.#key) === this) stages.delete(this.#key);
    this.#gone = true;
    this.#player?.remove();
    this.#player = undefined;
  }

  /**
   * @param {Document} document
   * @param {Required<FlashOptions>} options
   * @returns {Promise<void>}
   */
  async #build(document, { ruffle, integrity, movie, url }) {
    // The player does not tell of a movie that it cannot load.
    const [data, player] = await Promise.all([loadMovie(movie), createPlayer(document, ruffle, integrity)]);
    if (this.#gone) throw new Error("nobody waits for it any more");
    this.#player = player;
    player.style.cssText = "position:fixed;left:-9px;top:-9px;width:1px;height:1px";
    player.setAttribute("aria-hidden", "true");
    document.body.append(player);
    /** @type {Promise<void>} */
    const ready = new Promise((resolve) => {
      // While the movie speaks it cannot be called: whoever hears of it does so a moment later.
      player.ruffle().addFSCommandHandler((command, args) => queueMicrotask(() => (command === "ready" ? resolve() : this.#onTold(command, args))));
    });
    await player.ruffle().load({
      data,
      swfFileName: "bridge.swf",
      allowScriptAccess: true,
      autoplay: "on",
      unmuteOverlay: "hidden",
      splashScreen: false,
      contextMenu: "off",
      logLevel: "error",
      socketProxy: [{ host: HOST, port: PORT, proxyUrl: url }],
    });
    await ready;
  }

  /**
   * @param {string} command
   * @param {string} args The number of a line, a blank, and text.
   */
  #onTold(command, args) {
    const blank = args.indexOf(" ");
    const events = this.lines.get(Number(args.slice(0, blank)));
    if (command === "open") events?.onOpen();
    else if (command === "data") events?.onText(args.slice(blank + 1));
    else events?.onEnd();
  }
}

/**
 * A line through the movie, which is loaded if it is not there.
 * @param {import("../transport.js").Parts & { flash?: FlashOptions }} parts
 * @returns {Promise<Line>} Rejects with a `CometError`.
 */
export async function borrowStage(parts) {
  const { clock, document, flash = {} } = parts;
  if (!document?.body) throw new CometError("transport_failed");
  const address = (/** @type {string} */ text) => new URL(text, document.baseURI).href;
  const url = new URL(flash.url ?? `${parts.url.replace(/[?#].*$|\/+$/g, "")}/xmlsocket`, document.baseURI);
  url.protocol = url.protocol.replace("http", "ws");
  const options = {
    ruffle: address(flash.ruffle ?? "/comet/flash/ruffle/ruffle.js"),
    integrity: flash.integrity ?? "",
    movie: address(flash.movie ?? "/comet/flash/bridge.swf"),
    url: url.href,
  };
  const key = JSON.stringify(options);
  const stage = stages.get(key) ?? new Stage(key, document, options);
  stages.set(key, stage);
  const line = new Line(stage, clock);
  /** @type {unknown} */
  let timer;
  const late = new Promise((_, reject) => {
    timer = clock.setTimeout(() => reject(new Error("the player took too long")), LOAD_MS);
  });
  try {
    await Promise.race([stage.ready, late]);
    return line;
  } catch (cause) {
    line.giveUp();
    throw new CometError("transport_failed", { cause });
  } finally {
    clock.clearTimeout(timer);
  }
}

/**
 * @param {string} address
 * @returns {Promise<ArrayBuffer>}
 */
async function loadMovie(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address} cannot be loaded`);
  return response.arrayBuffer();
}

/**
 * @param {Document} document
 * @param {string} source
 * @param {string} integrity
 * @returns {Promise<Player>}
 */
async function createPlayer(document, source, integrity) {
  const page = /** @type {{ RufflePlayer?: any }} */ (/** @type {unknown} */ (document.defaultView));
  const own = page.RufflePlayer;
  if (!own?.newest) {
    // It looks for pages to mend unless it is told not to, and for its other parts where it came from.
    const config = { polyfills: false, publicPath: new URL(".", source).href, ...own?.config };
    page.RufflePlayer = { ...own, config };
    const script = document.createElement("script");
    script.src = source;
    if (integrity) script.integrity = integrity;
    try {
      await new Promise((resolve, reject) => {
        script.onload = resolve;
        script.onerror = () => reject(new Error(`${source} cannot be loaded`));
        document.head.append(script);
      });
    } catch (error) {
      page.RufflePlayer = own;
      throw error;
    } finally {
      script.remove();
    }
  }
  return page.RufflePlayer.newest().createPlayer();
}
