/**
 * @file A picture of something on the server, kept up to date: a snapshot that a service gives, and numbered news of a channel.
 * News the snapshot already holds are skipped; when a number is missing, or the session is a new one, the snapshot is asked for
 * again. What a snapshot or a piece of news looks like on the page is the caller's business.
 */

/** News that may wait for a snapshot. When there are more, the oldest go, and the gap asks for another. */
const MOST_WAITING = 1_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8_000;

/**
 * @typedef {object} Parts
 * @property {string} channel Where the news come.
 * @property {() => Promise<{ number: number }>} ask Gets a snapshot.
 * @property {(snapshot: any) => void} show Draws a snapshot.
 * @property {(news: any) => void} apply Draws what has changed.
 * @property {(error: Error) => void} [refused] The snapshot was refused; nothing more comes until `refresh` is called.
 * @property {(data: any) => void} [loose] Something without a number was published on the channel.
 */

/** Keeps one picture. */
export class Numbered {
  #comet;
  #parts;
  #subscription;
  #number = 0;
  /** @type {any[] | undefined} News that wait for a snapshot; none while the picture is up to date. */
  #waiting = [];
  #asking = false;
  #stopped = false;
  /** @type {string | undefined} The session that asked last. */
  #session;
  #onState = () => {
    if (this.#comet.state === "connected" && this.#comet.clientId !== this.#session) this.refresh();
  };

  /**
   * Listens first and asks then, so that nothing is missed between.
   * @param {import("/comet.js").Comet} comet
   * @param {Parts} parts
   */
  constructor(comet, parts) {
    this.#comet = comet;
    this.#parts = parts;
    this.#subscription = comet.subscribe(parts.channel, ({ data }) => this.#onEvent(data));
    comet.addEventListener("state", this.#onState);
    this.refresh();
  }

  /** Whether the picture shows what is there, as far as anybody knows. */
  get current() {
    return !this.#waiting;
  }

  /** Gets a new snapshot, now or as soon as one can be had. */
  async refresh() {
    this.#waiting ??= [];
    if (this.#asking || this.#stopped) return;
    this.#asking = true;
    try {
      await this.#subscription.ready;
      await this.#fetch();
    } catch (error) {
      if (!this.#stopped) this.#parts.refused?.(/** @type {Error} */ (error));
    } finally {
      this.#asking = false;
    }
  }

  /** Ends the picture. */
  stop() {
    this.#stopped = true;
    this.#comet.removeEventListener("state", this.#onState);
    this.#subscription.unsubscribe();
  }

  async #fetch() {
    let pauseMs = FIRST_PAUSE_MS;
    while (!this.#stopped && this.#waiting) {
      this.#session = this.#comet.clientId;
      try {
        this.#take(await this.#parts.ask());
      } catch (error) {
        if (!(/** @type {any} */ (error).retry)) throw error;
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      }
    }
  }

  /** @param {{ number: number }} snapshot */
  #take(snapshot) {
    if (this.#stopped) return;
    const waiting = this.#waiting ?? [];
    this.#waiting = this.#session === this.#comet.clientId ? undefined : [];
    this.#number = snapshot.number;
    this.#parts.show(snapshot);
    for (const news of waiting) this.#onEvent(news);
  }

  /** @param {any} data */
  #onEvent(data) {
    if (this.#stopped) return;
    if (typeof data?.number !== "number") {
      this.#parts.loose?.(data);
    } else if (this.#waiting) {
      this.#waiting.push(data);
      if (this.#waiting.length > MOST_WAITING) this.#waiting.shift();
    } else if (data.number === this.#number + 1) {
      this.#number = data.number;
      this.#parts.apply(data);
    } else if (data.number > this.#number) {
      this.#waiting = [data];
      this.refresh();
    }
  }
}
