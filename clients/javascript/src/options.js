/**
 * @file The options of a client, each with its default, and what the platform offers where nothing is given.
 * Nothing outside this file looks for globals of the platform. In comes what the user wrote, out goes a complete record.
 */
import { systemClock } from "./scheduler/clock.js";

/**
 * @typedef {object} Options
 * @property {string | (() => string | Promise<string>)} [token] Sent as `ext.token` with every handshake; a function is asked each time. Never sent by callback polling.
 * @property {readonly string[]} [transports] Order of preference: "websocket", "long-polling", "callback-polling".
 * @property {number} [networkDelayMs] How long a reply may take beyond what the server holds it. 10,000.
 * @property {number} [openTimeoutMs] How long a WebSocket may take to open before the next transport is tried. 5,000.
 * @property {number} [queueMessages] Messages that may wait while there is no connection. 1,000.
 * @property {number} [queueBytes] Bytes that may wait. 1,048,576.
 * @property {number} [backoffBaseMs] Widest first pause before another attempt. 500.
 * @property {number} [backoffCapMs] Widest pause. 20,000.
 * @property {number} [upgradeAfterMs] How long a failed transport is left alone before it is tried again. 60,000.
 * @property {typeof globalThis.fetch} [fetch] Instead of the platform's.
 * @property {typeof globalThis.WebSocket} [WebSocket] Instead of the platform's.
 * @property {Document} [document] Instead of the platform's.
 * @property {EventTarget} [page] What tells of `online` and `pageshow`. The window.
 * @property {import("./scheduler/clock.js").Clock} [clock]
 * @property {() => number} [random] Uniform in [0, 1).
 */

/**
 * Options with nothing left open.
 * @typedef {Required<Pick<Options, "networkDelayMs" | "openTimeoutMs" | "queueMessages" | "queueBytes" | "backoffBaseMs" | "backoffCapMs"
 *   | "upgradeAfterMs" | "clock" | "random" | "transports">> & Pick<Options, "token" | "fetch" | "WebSocket" | "document" | "page">
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
  /** All transports in the usual order of preference, each with the function of the platform without which it cannot be used. @type {Record<string, unknown>} */
  const needs = { websocket: parts.WebSocket, "long-polling": parts.fetch, "callback-polling": document?.createElement };
  const transports = (options.transports ?? Object.keys(needs)).filter((name) => typeof needs[name] === "function");
  return {
    networkDelayMs: 10_000,
    openTimeoutMs: 5_000,
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
