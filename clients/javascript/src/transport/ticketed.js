/**
 * @file Streams that a page cannot open with a connect, because their request has no body: the connect is answered at once with a
 * ticket, and the stream is opened with that. How it is read is left to the subclass, all else is `streaming.js`'s.
 */
import { CometError } from "../error.js";
import { StreamingTransport } from "./streaming.js";

/** @typedef {import("../message.js").Message} Message */

/** @abstract */
export class TicketedTransport extends StreamingTransport {
  /**
   * @param {string} body
   * @param {AbortSignal} signal
   * @protected
   */
  async request(body, signal) {
    const messages = await super.request(body, signal);
    // The advice is for clients that use no ticket: they would ask again at once.
    return messages.map((message) => (message.ext?.ticket ? { ...message, advice: undefined } : message));
  }

  /**
   * @param {string} body
   * @param {AbortSignal} signal
   * @param {(messages: Message[]) => void} onBatch
   * @protected
   */
  async stream(body, signal, onBatch) {
    const messages = await this.request(body, signal);
    onBatch(messages);
    const ticket = messages.find(({ ext }) => ext?.ticket)?.ext?.ticket;
    // A server that gives no stream now has answered as a poll.
    if (!ticket || signal.aborted) return;
    const { url } = this.parts;
    await this.read(`${url}${url.includes("?") ? "&" : "?"}ticket=${encodeURIComponent(ticket)}`, signal, onBatch);
  }

  /**
   * Opens the stream and reads it.
   * @param {string} _address
   * @param {AbortSignal} _signal
   * @param {(messages: Message[]) => void} _onBatch
   * @returns {Promise<void>} As that of `stream`.
   * @abstract
   * @protected
   */
  read(_address, _signal, _onBatch) {
    return Promise.reject(new CometError("transport_failed"));
  }
}
