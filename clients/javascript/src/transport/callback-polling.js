/**
 * @file Bayeux over script elements, for pages that can neither open a socket nor make a cross-origin request: `?jsonp=…&message=…`.
 * Loaded only when it is chosen. A script that fails says nothing about why, so every failure is a lost connection.
 */
import { CometError } from "../error.js";
import { PollingTransport, checkBatch } from "./polling.js";

/** Addresses longer than this are cut or refused by old proxies. */
const LONGEST_URL = 2_000;
/** Answers to requests that were given up still call their function for a while. */
const FORGET_MS = 120_000;

let lastNumber = 0;

/** @typedef {import("./transport.js").Transport} Transport */

/** @implements {Transport} */
export class CallbackPollingTransport extends PollingTransport {
  name = "callback-polling";

  /** @param {import("./transport.js").Parts} parts */
  constructor(parts) {
    super(parts);
    const room = LONGEST_URL - parts.url.length - "?jsonp=comet_000000&message=%5B%5D".length;
    this.limits = { mostMessages: 100, mostTogether: room, mostAlone: room, cost: (/** @type {string} */ text) => encodeURIComponent(text).length };
  }

  /**
   * @param {string} body
   * @param {AbortSignal} signal
   * @returns {Promise<import("../message.js").Message[]>}
   * @protected
   */
  request(body, signal) {
    const { url, clock } = this.parts;
    const document = /** @type {Document} */ (this.parts.document);
    const functions = /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (document.defaultView ?? globalThis));
    const name = `comet_${(lastNumber += 1)}`;
    const script = document.createElement("script");
    return new Promise((resolve, reject) => {
      /** @param {() => void} settle */
      const end = (settle) => {
        script.onerror = script.onload = null;
        script.remove();
        signal.removeEventListener("abort", onAbort);
        functions[name] = () => {};
        clock.setTimeout(() => delete functions[name], FORGET_MS);
        settle();
      };
      const onAbort = () => end(() => reject(signal.reason));
      functions[name] = (/** @type {unknown} */ messages) =>
        end(() => {
          try {
            resolve(checkBatch(messages));
          } catch (error) {
            reject(error);
          }
        });
      // A script that has run without calling us carries no answer.
      script.onerror = script.onload = () => end(() => reject(new CometError("connection_lost")));
      signal.addEventListener("abort", onAbort);
      script.async = true;
      // The server lets in pages of other sites by the referer, and wants no more of it than this.
      script.referrerPolicy = "origin";
      script.src = `${url}${url.includes("?") ? "&" : "?"}jsonp=${name}&message=${encodeURIComponent(body)}`;
      (document.head ?? document.documentElement).append(script);
    });
  }
}
