/**
 * @file Bayeux over a `multipart/x-mixed-replace` answer that goes on: each part is one batch, an empty one only a sign of life.
 * Loaded only when it is chosen. When a stream opens and what its end means is `streaming.js`'s, reading while it comes `reader.js`'s,
 * and where a part ends `multipart-body.js`'s.
 */
import { MultipartBody, boundaryOf } from "./multipart-body.js";
import { checkBatch } from "./polling.js";
import { post } from "./reader.js";
import { StreamingTransport, parse } from "./streaming.js";

/** @typedef {import("./transport.js").Transport} Transport */

/** @implements {Transport} */
export class Wire extends StreamingTransport {
  name = "multipart";
  beats = true;

  /**
   * @param {string} body
   * @param {AbortSignal} signal
   * @param {(messages: import("../message.js").Message[]) => void} onBatch
   * @protected
   */
  async stream(body, signal, onBatch) {
    /** @type {string | undefined} */
    let poll;
    const onPart = (/** @type {string} */ text) => {
      const messages = parse(text);
      onBatch(messages?.length === 0 ? [] : checkBatch(messages));
    };
    await post(this.parts, body, signal, (type) => {
      const boundary = boundaryOf(type);
      if (boundary) {
        const parts = new MultipartBody(boundary, onPart);
        return (text) => parts.add(text);
      }
      // A server that gives no stream now has answered as a poll.
      poll = "";
      return (text) => void (poll += text);
    });
    if (poll !== undefined) onBatch(checkBatch(parse(poll)));
  }
}
