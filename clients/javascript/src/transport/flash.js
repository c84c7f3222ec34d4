/**
 * @file Bayeux over an XMLSocket: text that ends in NUL, both ways, through a Flash movie that Ruffle plays.
 * What a closed or silent socket means for the session is decided in `session.js`. The movie and its player are `flash/stage.js`'s.
 */
import { CometError, errorFromReply } from "../error.js";
import { Pause } from "../scheduler/clock.js";
import { borrowStage } from "./flash/stage.js";
import { LIMITS, RETIRE_MS } from "./transport.js";

/** @typedef {import("./transport.js").Transport} Transport */
/** @typedef {import("../message.js").Message} Message */

/** @implements {Transport} */
export class Wire {
  name = "flash";
  pushes = true;
  begins = () => false;
  limits = LIMITS;
  #parts;
  /** @type {import("./flash/stage.js").Line | undefined} */
  #line;
  #closed = false;
  /** Whether the server has answered on it: a movie fails when it has to send before that. */
  #answered = false;
  /** @type {Promise<void> | undefined} */
  #opening;
  /** What the server has said of the end. @type {CometError | undefined} */
  #word;
  /** @type {(() => void) | undefined} */
  #onFirst;
  /** @type {((error: CometError) => void) | undefined} */
  #onRefused;
  /** @type {Pause | undefined} */
  #retiring;

  /** @param {import("./transport.js").Parts} parts */
  constructor(parts) {
    this.#parts = parts;
  }

  /** @returns {Promise<void>} */
  open() {
    return (this.#opening ??= this.#open());
  }

  async #open() {
    const { clock, openTimeoutMs } = this.#parts;
    const line = await borrowStage(this.#parts);
    if (this.#closed) {
      line.release();
      throw new CometError("closed");
    }
    this.#line = line;
    const opened = new Promise((resolve, reject) => {
      this.#onFirst = () => resolve(undefined);
      this.#onRefused = reject;
    });
    const timer = clock.setTimeout(() => this.#onGone(new CometError("transport_failed")), openTimeoutMs);
    line.open({
      // The player says so before anything has opened: only an answer shows that the server is there.
      onOpen: () => line.send("[]"),
      onText: (text) => this.#onText(text),
      onEnd: () => this.#onGone(this.#word ?? new CometError("connection_lost")),
    });
    try {
      await opened;
    } finally {
      clock.clearTimeout(timer);
      this.#onFirst = this.#onRefused = undefined;
    }
  }

  get writable() {
    return !this.#closed && this.#answered;
  }

  /** @param {readonly { id: string, text: string }[]} batch */
  send(batch) {
    if (!this.writable) {
      const ids = batch.map(({ id }) => id);
      return this.#parts.reports.onLost(new CometError("connection_lost"), ids);
    }
    this.#line?.send(`[${batch.map(({ text }) => text).join(",")}]`);
  }

  /** A socket that lets a message go unanswered is taken for dead. */
  onSilence() {
    this.#onGone(new CometError("timeout"));
  }

  /**
   * @param {boolean} [superseded]
   * @returns {Promise<void>}
   */
  async retire(superseded = false) {
    if (superseded && this.writable) {
      // The server closes the older wire behind everything it has written.
      this.#retiring = new Pause(this.#parts.clock, RETIRE_MS);
      await this.#retiring.over;
    }
    this.close();
  }

  close() {
    this.#closed = true;
    this.#line?.release();
    this.#line = undefined;
    this.#onRefused?.(new CometError("closed"));
    this.#retiring?.end();
  }

  /** @param {string} text */
  #onText(text) {
    let batch;
    try {
      batch = JSON.parse(text);
    } catch (cause) {
      return this.#onGone(new CometError("connection_lost", { cause }));
    }
    this.#answered = true;
    this.#onFirst?.();
    const messages = Array.isArray(batch) ? batch : [batch];
    const others = messages.filter((message) => !this.#isLastWord(message));
    if (others.length > 0) this.#parts.reports.onMessages(others);
  }

  /**
   * @param {Message} message
   * @returns {boolean} Whether it says why the server ends the wire: a reply to a connect that nobody has sent.
   */
  #isLastWord(message) {
    if (message?.channel !== "/meta/connect" || message.id !== undefined) return false;
    const advice = /** @type {{ interval?: unknown } | undefined} */ (message.advice);
    const retryAfterMs = typeof advice?.interval === "number" ? advice.interval : undefined;
    if (!message.successful) this.#word = errorFromReply(message.error, { retryAfterMs });
    return true;
  }

  /** @param {CometError} error */
  #onGone(error) {
    if (this.#closed) return;
    const refused = this.#onRefused;
    this.#onRefused = undefined;
    this.close();
    if (refused) refused(error.code === "connection_lost" ? new CometError("transport_failed", { cause: error }) : error);
    else this.#parts.reports.onLost(error);
  }
}
