/**
 * @file What one lane has cost and how late it was: requests, bytes and latencies of the last minute.
 * Whatever is counted is reported from outside; nothing here looks at a wire, or draws.
 */

const WINDOW_S = 60;
const MOST_LATENCIES = 48;
/** Sooner nobody can say what a minute would be. */
const LEAST_S = 3;

/** Figures of one lane. */
export class Meter {
  /** The newest, oldest first, in milliseconds. @type {number[]} */
  latencies = [];
  /** One for each second of the window. @type {{ second: number, requests: number, bytes: number }[]} */
  #buckets = [];
  #startMs = performance.now();

  /** Begins anew. */
  reset() {
    this.latencies = [];
    this.#buckets = [];
    this.#startMs = performance.now();
  }

  /** @param {number} [bytes] What the page itself has sent with it. */
  onRequest(bytes = 0) {
    const bucket = this.#bucket();
    bucket.requests += 1;
    bucket.bytes += bytes;
  }

  /** @param {number} bytes */
  onBytes(bytes) {
    this.#bucket().bytes += bytes;
  }

  /** @param {number} ms */
  onLatency(ms) {
    this.latencies.push(Math.max(ms, 0));
    if (this.latencies.length > MOST_LATENCIES) this.latencies.shift();
  }

  /** Half of the newest were later than this. @returns {number | undefined} */
  get latencyMs() {
    const sorted = [...this.latencies].sort((one, other) => one - other);
    return sorted[Math.floor(sorted.length / 2)];
  }

  /** Requests and bytes a minute, from what the lane has done in the last one. @returns {{ requests?: number, bytes?: number }} */
  get perMinute() {
    const now = this.#second();
    const recent = this.#buckets.filter(({ second }) => second > now - WINDOW_S);
    const elapsedS = Math.min((performance.now() - this.#startMs) / 1_000, WINDOW_S);
    if (elapsedS < LEAST_S) return {};
    const sum = (/** @type {"requests" | "bytes"} */ what) => recent.reduce((total, bucket) => total + bucket[what], 0);
    return { requests: (sum("requests") * WINDOW_S) / elapsedS, bytes: (sum("bytes") * WINDOW_S) / elapsedS };
  }

  #second() {
    return Math.floor(performance.now() / 1_000);
  }

  #bucket() {
    const second = this.#second();
    let last = this.#buckets.at(-1);
    if (last?.second !== second) {
      last = { second, requests: 0, bytes: 0 };
      this.#buckets.push(last);
      if (this.#buckets.length > WINDOW_S) this.#buckets.shift();
    }
    return last;
  }
}

/** Bytes of a text as UTF-8. @param {string} text */
export const bytesOf = (text) => new TextEncoder().encode(text).length;
