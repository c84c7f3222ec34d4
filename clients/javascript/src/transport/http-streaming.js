/**
 * @file Bayeux over an answer that goes on: each line is one batch, an empty one only a sign of life.
 * Loaded only when it is chosen. When a stream opens and what its end means is `streaming.js`'s, reading while it comes `reader.js`'s.
 */
import { checkBatch } from "./polling.js";
import { post } from "./reader.js";
import { StreamingTransport, parse } from "./streaming.js";

const MEDIA = "application/x-ndjson";

/** @typedef {import("./transport.js").Transport} Transport */

/** @implements {Transport} */
export class Wire extends StreamingTransport {
  name = "http-streaming";

  /**
   * @param {string} body
   * @param {AbortSignal} signal
   * @param {(messages: import("../message.js").Message[]) => void} onBatch
   * @protected
   */
  async stream(body, signal, onBatch) {
    let rest = "";
    let lines = true;
    await post(this.parts, body, signal, (type) => {
      // A server that gives no stream now has answered as a poll.
      lines = type.startsWith(MEDIA);
      return (text) => {
        rest += text;
        if (!lines) return;
        const parts = rest.split("\n");
        rest = parts.pop() ?? "";
        for (const line of parts) onBatch(line ? checkBatch(parse(line)) : []);
      };
    });
    if (!lines) onBatch(checkBatch(parse(rest)));
  }
}
