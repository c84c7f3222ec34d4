/**
 * @file The options of a client, each with its default, and what the platform offers where nothing is given.
 * Nothing outside this file looks for globals of the platform. In comes what the user wrote, out goes a complete record.
 */
import { systemClock } from "./scheduler/clock.js";

/**
 * @typedef {object} Options
 * @property {string | (() => string | Promise<string>)} [token] Sent as `ext.token` with every handshake; a function is asked each time. Never sent by callback polling.
 * @property {readonly string[]} [transports] Order of preference: "websocket", "http-streaming", "long-polling", "callback-polling"; "eventsource", "multipart", "iframe", "flash" and "polling" only where they are named.
 * @property {import("./transport/flash/stage.js").FlashOptions} [flash] Where "flash" finds its movie and the player.
 * @property {number} [networkDelayMs] How long a reply may take beyond what the server holds it. 10,000.
 * @property {number} [openTimeoutMs] How long a WebSocket may take to open, and a stream to begin, or the page to load for "iframe", before the next transport is tried. 5,000.
 * @property {number} [headStartMs] How long the next transport waits for a better one that is opening. 1,000.
 * @property {boolean} [remember] Whether `localStorage` keeps what was learnt about networks: which transports fail, and how soon quiet wires are cut. True.
 * @property {number} [queueMessages] Messages that may wait while there is no connection. 1,000.
 * @property {number} [queueBytes] Bytes that may wait. 1,048,576.
 * @property {number} [backoffBaseMs] Widest first pause before another attempt. 500.
 * @property {number} [backoffCapMs] Widest pause. 20,000.
 * @property {number} [upgradeAfterMs] How long a failed transport is left alone before it is tried again. 60,000.
 * @property {typeof globalThis.fetch} [fetch] Instead of the platform's.
 * @property {typeof globalThis.WebSocket} [WebSocket] Instead of the platform's.
 * @property {typeof globalThis.XMLHttpRequest} [XMLHttpRequest] Instead of the platform's.
 * @property {typeof globalThis.EventSource} [EventSource] Instead of the platform's.
 * @property {"fetch" | "xhr"} [reader] What reads an answer that goes on: "fetch" where it can.
 * @property {string} [frameDomain] The `document.domain` that this page and that of "iframe" set, instead of sending messages: the historical way, for pages all of whose sibling hosts are trusted.
 * @property {Document} [document] Instead of the platform's.
 * @property {EventTarget} [page] What tells of `online` and `pageshow`. The window.
 * @property {import("./scheduler/clock.js").Clock} [clock]
 * @property {() => number} [random] Uniform in [0, 1).
 */

/**
 * Options with nothing left open.
 * @typedef {Required<Pick<Options, "networkDelayMs" | "openTimeoutMs" | "headStartMs" | "queueMessages" | "queueBytes" | "backoffBaseMs" | "backoffCapMs"
 *   | "upgradeAfterMs" | "clock" | "random" | "transports">> & Pick<Options, "token" | "fetch" | "WebSocket" | "XMLHttpRequest" | "EventSource" | "reader" | "frameDomain" | "remember" | "document" | "page">
 *   & { url: string }} Settled
 */

/**
 * @param {string | URL} url
 * @param {Options} options
 * @returns {Settled}
 */
export function settle(url, options) {
  const platform = /** @type {Partial<typeof globalThis>} */ (globalThis);
  const document = options.document ?? platform.document;
  const parts = {
    document,
    fetch: options.fetch ?? platform.fetch?.bind(platform),
    WebSocket: options.WebSocket ?? platform.WebSocket,
  };
  /** What the usual transports need, in their order of preference; whether others can be used is found out when they are. @type {Record<string, unknown>} */
  const needs = { websocket: parts.WebSocket, "http-streaming": parts.fetch, "long-polling": parts.fetch, "callback-polling": document };
  const transports = (options.transports ?? Object.keys(needs)).filter((name) => !(name in needs) || needs[name]);
  return {
    networkDelayMs: 10_000,
    openTimeoutMs: 5_000,
    headStartMs: 1_000,
    queueMessages: 1_000,
    queueBytes: 1_048_576,
    backoffBaseMs: 500,
    backoffCapMs: 20_000,
    upgradeAfterMs: 60_000,
    clock: systemClock,
    random: Math.random,
    page: /** @type {EventTarget} */ (/** @type {unknown} */ (platform)),
    ...options,
    ...parts,
    transports,
    url: new URL(url, document?.baseURI ?? platform.location?.href).href,
  };
}
