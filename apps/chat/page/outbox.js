/**
 * @file What you have said and the server has not confirmed: one message after the other, in order, until each is said or refused.
 * A message keeps its key when it is sent again, by which the server knows it; so nothing is lost and nothing is said twice,
 * whatever happens to the connection.
 */

const MOST_WAITING = 100;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 4_000;

/** @typedef {{ key: string, text: string }} Draft */

/** The outbox of one stay in one room. */
export class Outbox {
  /** @type {Draft[]} */
  #drafts = [];
  #running = false;
  #closed = false;
  /** @type {(() => void) | undefined} */
  #wake;
  #say;
  #refused;

  /**
   * @param {(draft: Draft) => Promise<unknown>} say Resolves when the server has it.
   * @param {(draft: Draft, error: Error) => void} refused The server does not want it.
   */
  constructor(say, refused) {
    this.#say = say;
    this.#refused = refused;
  }

  /** Whether more can wait. */
  get full() {
    return this.#drafts.length >= MOST_WAITING;
  }

  /**
   * @param {string} text
   * @returns {Draft}
   */
  add(text) {
    const draft = { key: randomKey(), text };
    this.#drafts.push(draft);
    this.#run();
    return draft;
  }

  /** Tries again now. */
  kick() {
    this.#wake?.();
  }

  /** Gives up what waits. */
  close() {
    this.#closed = true;
    this.#wake?.();
  }

  async #run() {
    if (this.#running) return;
    this.#running = true;
    let pauseMs = FIRST_PAUSE_MS;
    while (this.#drafts.length > 0 && !this.#closed) {
      const [draft] = this.#drafts;
      try {
        await this.#say(draft);
        this.#drafts.shift();
        pauseMs = FIRST_PAUSE_MS;
      } catch (error) {
        if (this.#closed) break;
        if (/** @type {any} */ (error).retry) {
          await this.#pause(pauseMs);
          pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
        } else {
          this.#drafts.shift();
          this.#refused(draft, /** @type {Error} */ (error));
        }
      }
    }
    this.#running = false;
  }

  /** @param {number} ms */
  #pause(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve(undefined);
      };
    });
  }
}

/** @returns {string} 128 random bits. */
export function randomKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
