/**
 * @file The endings, refusals and drops this client acts on or names itself: Bayeux number and what to do next.
 * No behaviour lives here. The names come from the server's code table; the last group is made by this client alone. A name that
 * is not here comes from a server, with its number, by which it is judged. `error.js` makes a `CometError` of either; the session
 * reads `next` where the server sends no advice.
 */

/**
 * What may follow: try again, start a new session first, or give up.
 * @typedef {"retry" | "handshake" | "none"} Next
 * @typedef {readonly [number: number, next: Next]} Code
 */

/** @type {Readonly<Record<string, Code>>} */
export const CODES = {
  /** The request is malformed. */
  request_invalid: [400, "none"],
  /** A field of the message has the wrong form. */
  message_invalid: [400, "none"],
  /** The publication carries no data. */
  data_missing: [400, "none"],
  /** Client and server share no transport. */
  connection_types_unsupported: [301, "none"],
  /** The token has expired or is not valid. */
  token_expired: [401, "handshake"],
  /** What this client has not received is no longer kept. */
  resume_failed: [402, "handshake"],
  /** The session has expired. */
  session_expired: [402, "handshake"],
  /** The server refuses pages of this origin. */
  forbidden_origin: [403, "none"],
  /** The channel name is not valid. */
  channel_invalid: [405, "none"],
  /** A publication needs a channel, not a pattern. */
  channel_wildcard: [405, "none"],
  /** The handshake came too late. */
  handshake_timeout: [408, "handshake"],
  /** A newer connect of this session took over. */
  superseded: [409, "retry"],
  /** The batch is too large for the server. */
  body_too_large: [413, "none"],
  /** The frame is too large for the server. */
  frame_too_large: [413, "none"],
  /** The client reads too slowly. */
  slow_consumer: [503, "retry"],
  /** Too many messages in too short a time. */
  rate_limited: [429, "retry"],
  /** The session has too many subscriptions. */
  subscriptions_too_many: [429, "none"],
  /** The server failed. */
  internal: [500, "retry"],
  /** The server is being restarted. */
  draining: [503, "retry"],
  /** The server is overloaded. */
  overloaded: [503, "retry"],

  // Made by this client, never by a server.
  /** The connection was lost before the answer came. */
  connection_lost: [0, "retry"],
  /** No connection could be made. */
  transport_failed: [0, "retry"],
  /** No answer came in time. */
  timeout: [406, "retry"],
  /** Too much is waiting to be sent or read. */
  queue_full: [0, "retry"],
  /** The token could not be fetched. */
  token_failed: [0, "retry"],
};

/**
 * What may follow where the table has no row: nothing, unless the number says that it is a matter of time or of the session.
 * @type {Readonly<Record<number, Next>>}
 */
export const NEXT = { 402: "handshake", 408: "retry", 429: "retry", 503: "retry", 504: "retry" };

/** Names for bare numbers of servers that spell their texts differently. @type {Readonly<Record<number, string>>} */
export const NUMBERS = { 301: "connection_types_unsupported", 401: "token_expired", 402: "session_unknown" };

/** Names of the HTTP statuses and the WebSocket close codes that say more than "failed" and "gone". @type {Readonly<Record<number, string>>} */
export const STATUSES = {
  400: "request_invalid",
  1007: "request_invalid",
  1008: "request_invalid",
  401: "token_expired",
  403: "forbidden_origin",
  409: "superseded",
  413: "body_too_large",
  429: "rate_limited",
  500: "internal",
  503: "overloaded",
  1009: "frame_too_large",
  1011: "internal",
  1012: "draining",
  1013: "overloaded",
  4401: "token_expired",
  4402: "session_expired",
  4403: "forbidden_origin",
  4408: "handshake_timeout",
  4409: "superseded",
  4410: "slow_consumer",
};
