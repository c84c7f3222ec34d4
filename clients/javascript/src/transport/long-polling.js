/**
 * @file Bayeux over `fetch`: a POST with a JSON array, answered with a JSON array, the connect answered when there is something to say.
 * The two lanes and their losses are `polling.js`'s. Cookies go along, because servers may know their browsers by one.
 */
import { errorFromStatus } from "../error.js";
import { PollingTransport, checkBatch } from "./polling.js";

/** @typedef {import("./transport.js").Transport} Transport */

/** @implements {Transport} */
export class LongPollingTransport extends PollingTransport {
  name = "long-polling";

  /**
   * @param {string} body
   * @param {AbortSignal} signal
   * @protected
   */
  async request(body, signal) {
    const fetch = /** @type {typeof globalThis.fetch} */ (this.parts.fetch);
    const response = await fetch(this.parts.url, postInit(body, signal));
    await checkStatus(response);
    return checkBatch(await response.json());
  }
}

/**
 * @param {Response} response
 * @throws {CometError} when it is no success.
 */
export async function checkStatus(response) {
  const { status, headers } = response;
  if (status !== 200) throw errorFromStatus(status, headers.get("Retry-After"), await response.text().catch(() => ""));
}

/**
 * @param {string} body JSON array of messages.
 * @param {AbortSignal} signal
 */
export function postInit(body, signal) {
  return {
    method: "POST",
    headers: { "Content-Type": "application/json;charset=UTF-8" },
    body,
    cache: /** @type {const} */ ("no-store"),
    credentials: /** @type {const} */ ("include"),
    signal,
  };
}
