/**
 * @file Bayeux over server-sent events, read by the browser's own `EventSource`, which is opened with the ticket of a connect's reply.
 * Loaded only when it is chosen. A browser that has lost its stream opens it again by itself, and the server goes on where it was; if
 * that takes long, or the server will not, the session connects anew. When a stream opens and what its end means is `streaming.js`'s,
 * where its ticket comes from `ticketed.js`'s.
 */
import { CometError } from "../error.js";
import { checkBatch } from "./polling.js";
import { parse } from "./streaming.js";
import { TicketedTransport } from "./ticketed.js";

/** @typedef {import("./transport.js").Transport} Transport */

/** @implements {Transport} */
export class Wire extends TicketedTransport {
  name = "eventsource";

  /**
   * @param {string} url
   * @param {AbortSignal} signal
   * @param {(messages: import("../message.js").Message[]) => void} onBatch
   * @protected
   */
  read(url, signal, onBatch) {
    const { clock, openTimeoutMs, EventSource } = this.parts;
    const source = new /** @type {typeof globalThis.EventSource} */ (EventSource)(url, { withCredentials: true });
    /** @type {unknown} */
    let timer;
    return new Promise((/** @type {(value?: undefined) => void} */ resolve, reject) => {
      const onAbort = () => reject(signal.reason);
      const onTimeout = () => reject(new CometError("timeout"));
      timer = clock.setTimeout(onTimeout, openTimeoutMs);
      signal.addEventListener("abort", onAbort);
      source.onopen = () => clock.clearTimeout(timer);
      source.onerror = () => {
        clock.clearTimeout(timer);
        if (source.readyState === source.CLOSED) reject(new CometError("connection_lost"));
        else timer = clock.setTimeout(onTimeout, openTimeoutMs);
      };
      source.onmessage = ({ data }) => {
        try {
          /** @type {import("../message.js").Message[]} */
          const messages = parse(data);
          onBatch(messages.length > 0 ? checkBatch(messages) : []);
          // The server has ended it, and the browser would open it again.
          if (messages.some(({ channel, id }) => channel === "/meta/connect" && id === undefined)) resolve();
        } catch (error) {
          reject(error);
        }
      };
    }).finally(() => {
      clock.clearTimeout(timer);
      source.close();
    });
  }
}
