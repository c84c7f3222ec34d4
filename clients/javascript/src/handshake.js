/**
 * @file The first message of a session: what the client can do, and who it says it is.
 * Sending it and reading the reply are the session's business. The token comes from the user, each time anew.
 */
import { CometError } from "./error.js";

/**
 * @param {readonly string[]} supportedConnectionTypes
 * @param {import("./options.js").Options["token"]} token
 * @returns {Promise<Record<string, unknown>>} The message; rejects with `token_failed`.
 */
export async function handshakeMessage(supportedConnectionTypes, token) {
  try {
    const ext = { received: true, token: typeof token === "function" ? await token() : token };
    return { channel: "/meta/handshake", version: "1.0", minimumVersion: "1.0", supportedConnectionTypes, ext };
  } catch (cause) {
    throw new CometError("token_failed", { cause });
  }
}
