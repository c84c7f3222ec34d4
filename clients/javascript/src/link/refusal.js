/**
 * @file Errors on their way from the one session to a tab: written as Bayeux writes them, so that the tab's own client reads them.
 * What only a client knows has no number there and borrows one; `restore` takes it away again. Nothing is decided here.
 */
import { CometError } from "../error.js";

/** Stands for "no number". */
const BORROWED = 499;

/**
 * @param {unknown} error
 * @param {boolean} [last] Whether the tab's session ends with it.
 * @returns {string} The `error` of a reply.
 */
export function refusalOf(error, last = false) {
  if (!(error instanceof CometError)) return `${BORROWED}::connection_lost`;
  // The session of a tab is not the one that was lost: there is nothing to shake hands for.
  const code = error.next === "handshake" && !last ? "connection_lost" : error.code;
  const said = code.replaceAll("_", " ");
  const why = error.message.startsWith(`${said}: `) ? error.message.slice(said.length + 2).replaceAll(":", " ") : "";
  return `${(code === error.code && error.number) || BORROWED}:${why}:${code}`;
}

/**
 * @param {unknown} error What the tab's client has made of it.
 * @returns {unknown} What a client of its own would have said.
 */
export function restore(error) {
  if (!(error instanceof CometError) || error.number !== BORROWED) return error;
  const { code, message, cause, data } = error;
  return new CometError(code, { message, cause, data });
}
