/**
 * @file Timed polling, the way without Comet: a connect is answered at once, and the next one is asked when its pause is over. Loaded
 * only when it is chosen, for comparison, or where nothing else gets through. Behind a first connect by POST a GET without a body stands for
 * each, answered with 304 where there is nothing new; it needs a session that counts. The pause is advised by the server and kept by the
 * session; lanes and losses are `polling.js`'s.
 */
import { errorFromStatus } from "../error.js";
import { LongPollingTransport } from "./long-polling.js";
import { checkBatch } from "./polling.js";

/**
 * @typedef {import("../message.js").Message} Message
 * @typedef {import("./transport.js").Transport} Transport
 */

/** @implements {Transport} */
export class Wire extends LongPollingTransport {
  name = "polling";
  /** The session that polls here, and whose last answer said that nothing was missing: such a session counts. @type {unknown} */
  #polling;
  /** Somebody on the way, or the server, takes no conditions. */
  #refused = false;

  /**
   * @param {string} body
   * @param {AbortSignal} signal
   * @protected
   */
  async request(body, signal) {
    const [message] = JSON.parse(body);
    if (message.channel !== "/meta/connect") return super.request(body, signal);
    const { id, clientId, advice } = message;
    // A longer pause that the client announces has no place in a GET.
    const plain = clientId === this.#polling && advice?.interval === undefined;
    this.#polling = undefined;
    const messages = (plain && (await this.#poll(message, signal))) || (await super.request(body, signal));
    const reply = messages.find((each) => each.channel === "/meta/connect" && each.id === id);
    if (reply?.successful && reply.ext?.time && !this.#refused) this.#polling = clientId;
    return messages;
  }

  /**
   * @param {any} connect
   * @param {AbortSignal} signal
   * @returns {Promise<Message[] | undefined>} Nothing where the connect has to be sent as it is.
   */
  async #poll({ id, clientId, ext }, signal) {
    const fetch = /** @type {typeof globalThis.fetch} */ (this.parts.fetch);
    const response = await fetch(this.parts.url, {
      headers: { Accept: "application/json", "Comet-Client": clientId, "If-None-Match": `"${ext.received}"` },
      cache: "no-store",
      credentials: "include",
      signal,
    });
    const { status, headers } = response;
    if (status === 200) {
      const messages = checkBatch(await response.json());
      // The reply to a request without a message has no id.
      return messages.map((message) => (message.channel === "/meta/connect" ? { ...message, id } : message));
    }
    response.body?.cancel().catch(() => {});
    const time = Number(headers.get("Comet-Time"));
    if (status === 304) return [{ channel: "/meta/connect", id, successful: true, ext: time ? { time } : undefined }];
    if (status >= 500 || status === 429) throw errorFromStatus(status, headers.get("Retry-After"));
    this.#refused = status !== 409;
    return undefined;
  }
}
