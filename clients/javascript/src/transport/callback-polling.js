/**
 * @file Bayeux over script elements, for pages that can neither open a socket nor make a cross-origin request: `?jsonp=…&message=…`.
 * Loaded only when it is chosen. A script that fails says nothing about why, so every failure is a lost connection. What no address
 * holds goes in parts to servers that take them; `parts.js` cuts it.
 */
import { CometError } from "../error.js";
import { cut } from "./parts.js";
import { PollingTransport, checkBatch } from "./polling.js";

/** Addresses longer than this are cut or refused by old proxies. */
const LONGEST_URL = 2_000;
/** Answers to requests that were given up still call their function for a while. */
const FORGET_MS = 120_000;

let lastNumber = 0;
/** Names whose functions are waited for by nobody. A browser keeps something of every name it has met, so they are used again. @type {string[]} */
const free = [];

/** @typedef {import("./transport.js").Transport} Transport */

/** @implements {Transport} */
export class Wire extends PollingTransport {
  name = "callback-polling";

  /** When the last part of a long batch was taken. */
  #movedAt = -Infinity;

  /** @param {import("./transport.js").Parts} parts */
  constructor(parts) {
    super(parts);
    const room = LONGEST_URL - parts.url.length - "?jsonp=comet_000000&message=%5B%5D".length;
    this.limits = { mostMessages: 100, mostTogether: room, mostAlone: room, cost: (/** @type {string} */ text) => encodeURIComponent(text).length };
  }

  /** A long batch is not silent while its parts are taken. @param {string} id */
  onSilence(id) {
    const { clock, networkDelayMs = 0 } = this.parts;
    const leftMs = this.#movedAt + networkDelayMs - clock.now();
    if (leftMs > 0) clock.setTimeout(() => this.onSilence(id), leftMs);
    else super.onSilence(id);
  }

  /**
   * @param {string} body
   * @param {AbortSignal} signal
   * @returns {Promise<import("../message.js").Message[]>}
   * @protected
   */
  async request(body, signal) {
    const message = encodeURIComponent(body);
    const room = LONGEST_URL - this.parts.url.length - "?jsonp=comet_000000&message=".length;
    if (message.length <= room) return checkBatch(await this.#ask(`message=${message}`, signal));
    const { clientId } = JSON.parse(body)[0];
    const batch = (lastNumber += 1);
    const pieces = cut(message, room - `client=${clientId}&part=${batch}.0000.0000&`.length);
    for (const [index, piece] of pieces.entries()) {
      const answer = await this.#ask(`client=${clientId}&part=${batch}.${index}.${pieces.length}&message=${piece}`, signal);
      this.#movedAt = this.parts.clock.now();
      if (index === pieces.length - 1) return checkBatch(answer);
      if (/** @type {any} */ (answer)?.[0]?.parts !== index + 1) break;
    }
    throw new CometError("connection_lost");
  }

  /**
   * @param {string} query
   * @param {AbortSignal} signal
   * @returns {Promise<unknown>} What the script has called its function with.
   */
  #ask(query, signal) {
    const { url, clock } = this.parts;
    const document = /** @type {Document} */ (this.parts.document);
    const functions = /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (document.defaultView ?? globalThis));
    const name = free.pop() ?? `comet_${(lastNumber += 1)}`;
    const script = document.createElement("script");
    return new Promise((resolve, reject) => {
      /** @type {(settle: () => void, over: boolean) => void} */
      const end = (settle, over) => {
        script.onerror = script.onload = null;
        script.remove();
        signal.removeEventListener("abort", onAbort);
        functions[name] = ignore;
        if (over) free.push(name);
        else retire(functions, name, clock);
        settle();
      };
      const onAbort = () => end(() => reject(signal.reason), false);
      functions[name] = (/** @type {unknown} */ answer) => end(() => resolve(answer), true);
      // A script that has run without calling us carries no answer.
      script.onerror = script.onload = () => end(() => reject(new CometError("connection_lost")), true);
      signal.addEventListener("abort", onAbort);
      if (signal.aborted) return onAbort();
      script.async = true;
      // The server lets in pages of other sites by the referer, and wants no more of it than this.
      script.referrerPolicy = "origin";
      script.src = `${url}${url.includes("?") ? "&" : "?"}jsonp=${name}&${query}`;
      (document.head ?? document.documentElement).append(script);
    });
  }
}

/**
 * An answer may still come and call the function. What waits for that must know nothing of the script, or it would stay as long.
 * @param {Record<string, unknown>} functions
 * @param {string} name
 * @param {import("../scheduler/clock.js").Clock} clock
 */
function retire(functions, name, clock) {
  clock.setTimeout(() => delete functions[name], FORGET_MS);
}

function ignore() {}
