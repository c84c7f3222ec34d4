/**
 * @file Bayeux over the persistent frame: a hidden page that never ends, each script in it one batch, opened with the ticket of a
 * connect's reply. Loaded only when it is chosen. When a stream opens and what its end means is `streaming.js`'s, where its ticket
 * comes from `ticketed.js`'s, and how a frame is made and hands over `frame.js`'s.
 */
import { CometError } from "../error.js";
import { Pause } from "../scheduler/clock.js";
import { mannerOf, readFrame } from "./frame.js";
import { checkBatch } from "./polling.js";
import { TicketedTransport } from "./ticketed.js";

/** @typedef {import("../message.js").Message} Message */
/** @typedef {import("./transport.js").Transport} Transport */

/** @implements {Transport} */
export class Wire extends TicketedTransport {
  name = "iframe";
  beats = true;
  #document;
  #manner;
  /** @type {Promise<void> | undefined} */
  #opening;
  /** @type {Pause | undefined} */
  #loading;

  /** @param {import("./transport.js").Parts} parts */
  constructor(parts) {
    super(parts);
    this.#document = /** @type {Document} */ (parts.document);
    this.#manner = mannerOf(this.#document, parts.url, parts.frameDomain);
  }

  /** A page that still loads would load for as long as the frame does. */
  open() {
    return (this.#opening ??= this.#load());
  }

  get writable() {
    return this.#isLoaded() && super.writable;
  }

  close() {
    super.close();
    this.#loading?.end();
  }

  async #load() {
    const { clock, openTimeoutMs } = this.parts;
    if (this.#isLoaded()) return;
    this.#loading = new Pause(clock, openTimeoutMs);
    const { defaultView } = this.#document;
    defaultView?.addEventListener("load", this.#loading.end);
    await this.#loading.over;
    defaultView?.removeEventListener("load", this.#loading.end);
    if (!this.#isLoaded()) throw new CometError("transport_failed");
  }

  #isLoaded() {
    return this.#document.readyState === "complete";
  }

  /**
   * @param {string} body
   * @param {AbortSignal} signal
   * @param {(messages: Message[]) => void} onBatch
   * @protected
   */
  stream(body, signal, onBatch) {
    // The frame's request says nothing but the ticket, so the server is told before how the frame is to hand over.
    const messages = JSON.parse(body).map((/** @type {Message} */ message) => ({ ...message, ext: { ...message.ext, frame: this.#manner } }));
    return super.stream(JSON.stringify(messages), signal, onBatch);
  }

  /**
   * @param {string} address
   * @param {AbortSignal} signal
   * @param {(messages: Message[]) => void} onBatch
   * @protected
   */
  read(address, signal, onBatch) {
    return readFrame(this.parts, address, this.#manner, signal, (batch) => {
      const empty = Array.isArray(batch) && batch.length === 0;
      const messages = empty ? [] : checkBatch(batch);
      onBatch(messages);
      return messages.some(({ channel, id }) => channel === "/meta/connect" && id === undefined);
    });
  }
}
