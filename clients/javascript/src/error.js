/**
 * @file The one error type of the client and the ways to make it: from a Bayeux `error` string, a close code, an HTTP status, or a name.
 * What to do about an error is not decided here but in `session.js`. Input is what servers and transports say; output goes to users.
 */
import { CODES, NEXT, NUMBERS, STATUSES } from "./code.js";

/**
 * @typedef {object} ErrorDetails
 * @property {number} [number] Bayeux number, where it differs from the table's.
 * @property {string} [message] Sentence for people, where it differs from the table's.
 * @property {unknown} [cause] What lies beneath.
 * @property {unknown} [data] What a service said about its failure.
 * @property {number} [retryAfterMs] The server's wish for a pause.
 */

/** Everything the client rejects with, and the `detail` of its "error" events. */
export class CometError extends Error {
  /**
   * @param {string} code A name of the server's code table or of this client's, such as "publish_denied".
   * @param {ErrorDetails} [details]
   */
  constructor(code, details = {}) {
    const [number, next] = Object.hasOwn(CODES, code) ? CODES[code] : [0, NEXT[details.number ?? 0] ?? "none"];
    super(details.message ?? code.replaceAll("_", " "), details);
    this.name = "CometError";
    /** Name of the failure, stable across versions. */
    this.code = code;
    /** Bayeux error number; 0 for what only the client knows. */
    this.number = details.number ?? number;
    /** @type {import("./code.js").Next} What has to come before another attempt. */
    this.next = next;
    /** Whether the same request may succeed when it is tried again later. */
    this.retry = next !== "none";
    /** What a failed service sent along. */
    this.data = details.data;
    /** Pause the server asks for, in milliseconds. */
    this.retryAfterMs = details.retryAfterMs ?? 0;
  }
}

/**
 * Reads `402::session_unknown`. The text names the error; one that is no name is judged by its number.
 * @param {unknown} error The `error` field of an unsuccessful reply.
 * @param {ErrorDetails} [details]
 * @returns {CometError}
 */
export function errorFromReply(error, details = {}) {
  const [, digits, args, text] = /^(\d{3}):([^:]*):(.*)$/s.exec(String(error)) ?? [];
  const number = Number(digits);
  if (!number) return new CometError("refused", { ...details, message: error ? String(error).slice(0, 256) : undefined });
  const code = /^[a-z_]+$/.test(text) ? text : (NUMBERS[number] ?? "refused");
  const said = text.replaceAll("_", " ");
  return new CometError(code, { ...details, number, message: args ? `${said}: ${args}` : said });
}

/**
 * @param {number} closeCode Code of a WebSocket close event.
 * @param {string} [reason]
 * @returns {CometError}
 */
export function errorFromClose(closeCode, reason) {
  return new CometError(STATUSES[closeCode] ?? "connection_lost", { cause: { closeCode, reason } });
}

/**
 * @param {number} status HTTP status other than 200.
 * @param {string | null} [retryAfter] Value of the `Retry-After` field; only whole seconds are understood.
 * @param {string} [text] The answer. Portals, gateways and filters say 403 too, and mean a while: ours names its error.
 * @returns {CometError}
 */
export function errorFromStatus(status, retryAfter, text = "") {
  const seconds = /^\d{1,5}$/.test(retryAfter ?? "") ? Number(retryAfter) : 0;
  const code = (status !== 403 || text.includes(STATUSES[403])) && STATUSES[status];
  return new CometError(code || "connection_lost", { cause: { status }, retryAfterMs: seconds * 1000 });
}
