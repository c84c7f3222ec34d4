/**
 * @file The one error type of the client and the ways to make it: from a Bayeux `error` string, a close code, an HTTP status, or a name.
 * What to do about an error is not decided here but in `session.js`. Input is what servers and transports say; output goes to users.
 */
import { CODES, STATUSES } from "./code.js";

/**
 * @typedef {object} ErrorDetails
 * @property {number} [number] Bayeux number, where it differs from the table's.
 * @property {string} [message] Sentence for people, where it differs from the table's.
 * @property {unknown} [cause] What lies beneath.
 * @property {unknown} [data] What a service said about its failure.
 * @property {number} [retryAfterMs] The server's wish for a pause.
 */

/** What holds for a name that is not in the table. @type {import("./code.js").Code} */
const FINAL = [0, "none"];

/** Everything the client rejects with, and the `detail` of its "error" events. */
export class CometError extends Error {
  /**
   * @param {string} code A name of the code table, such as "publish_denied".
   * @param {ErrorDetails} [details]
   */
  constructor(code, details = {}) {
    const [number, next] = Object.hasOwn(CODES, code) ? CODES[code] : FINAL;
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

/** Names for bare numbers of servers that spell their texts differently. @type {Readonly<Record<number, string>>} */
const NUMBERS = { 301: "connection_types_unsupported", 401: "token_expired", 402: "session_unknown" };

/**
 * Reads `402::session_unknown`. A text that is not in the table is judged by its number, and else names itself if it is a name at all.
 * @param {unknown} error The `error` field of an unsuccessful reply.
 * @param {ErrorDetails} [details]
 * @returns {CometError}
 */
export function errorFromReply(error, details = {}) {
  const [, digits, args, text] = /^(\d{3}):([^:]*):(.*)$/s.exec(String(error)) ?? [];
  if (!digits) return new CometError("refused", { ...details, message: error ? String(error).slice(0, 256) : undefined });
  const number = Number(digits);
  const code = Object.hasOwn(CODES, text) ? text : (NUMBERS[number] ?? (/^[a-z_]+$/.test(text) ? text : "refused"));
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
 * @returns {CometError}
 */
export function errorFromStatus(status, retryAfter) {
  const seconds = /^\d{1,5}$/.test(retryAfter ?? "") ? Number(retryAfter) : 0;
  return new CometError(STATUSES[status] ?? "connection_lost", { cause: { status }, retryAfterMs: seconds * 1000 });
}
