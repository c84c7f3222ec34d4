/**
 * @file Things moved by hand for unit tests: a clock, a WebSocket and a fetch whose other ends the test holds.
 * Nothing here waits for real time; `settle` lets promises run.
 */
import { Comet } from "../src/index.js";

/** Lets everything that is ready run. */
export async function settle() {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
}

/** Lets what is imported on demand arrive. */
export async function loaded() {
  await Promise.all([import("../src/vigil.js"), import("../src/move.js")]);
  await new Promise((resolve) => setTimeout(resolve, 5));
  await settle();
}

/** A clock that stands still until it is moved. */
export class HandClock {
  #now = 0;
  #lastTimer = 0;
  /** @type {Map<number, { at: number, run: () => void }>} */
  timers = new Map();

  now = () => this.#now;

  setTimeout = (run, delayMs) => {
    this.timers.set((this.#lastTimer += 1), { at: this.#now + delayMs, run });
    return this.#lastTimer;
  };

  clearTimeout = (timer) => {
    this.timers.delete(timer);
  };

  /** @param {number} forMs The machine sleeps: time goes on, and timers stand still. */
  sleep(forMs) {
    this.#now += forMs;
    for (const timer of this.timers.values()) timer.at += forMs;
  }

  /** @param {number} forMs Timers fire in their order, and promises run after each. */
  async move(forMs) {
    const end = this.#now + forMs;
    for (;;) {
      await settle();
      const [next] = [...this.timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at);
      if (!next) break;
      this.timers.delete(next[0]);
      this.#now = Math.max(this.#now, next[1].at);
      next[1].run();
    }
    this.#now = end;
    await settle();
  }
}

/** Makes a WebSocket class whose instances the test drives. */
export function handSocket() {
  return class HandSocket {
    /** @type {HandSocket[]} */
    static made = [];
    /** @returns {HandSocket} */
    static get last() {
      return this.made[this.made.length - 1];
    }

    readyState = 0;
    bufferedAmount = 0;
    /** @type {any[]} */
    sent = [];

    constructor(url) {
      this.url = url;
      HandSocket.made.push(this);
    }

    send(text) {
      this.sent.push(...JSON.parse(text));
    }

    close() {
      this.readyState = 3;
      this.onclose?.({ code: 1000, reason: "" });
    }

    async open() {
      this.readyState = 1;
      this.onopen?.({});
      await settle();
    }

    async receive(...messages) {
      this.onmessage?.({ data: JSON.stringify(messages) });
      await settle();
    }

    async end(code) {
      this.readyState = 3;
      this.onclose?.({ code, reason: "" });
      await settle();
    }

    /** Answers the last message on a channel. */
    async answer(channel, fields = {}) {
      const { id } = this.sent.filter((message) => message.channel === channel).at(-1);
      await this.receive({ channel, id, successful: true, ...fields });
    }

    /** Greets and answers the first connect. */
    async welcome(ext = {}, clientId = "c1") {
      await this.open();
      await this.answer("/meta/handshake", { clientId, supportedConnectionTypes: ["websocket", "long-polling"], advice, ext });
      await this.answer("/meta/connect", { advice });
    }

    /** What was sent on a channel. */
    on(channel) {
      return this.sent.filter((message) => message.channel === channel);
    }
  };
}

/** Makes a fetch whose requests the test answers. */
export function handFetch() {
  const requests = [];
  const fetch = (url, { body, signal, ...rest }) =>
    new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      requests.push({
        url,
        ...rest,
        messages: JSON.parse(body ?? "[]"),
        aborted: () => signal.aborted,
        /** Answers with a body that goes on, or ends with an error when it is cut. */
        stream: async (type = "application/x-ndjson") => {
          const { readable, writable } = new TransformStream();
          const writer = writable.getWriter();
          signal.addEventListener("abort", () => writer.abort(signal.reason).catch(() => {}));
          resolve(new Response(readable, { headers: { "Content-Type": type } }));
          const pause = () => new Promise((done) => setTimeout(done, 5)).then(settle);
          await pause();
          const text = new TextEncoder();
          return {
            /** @param {string | Uint8Array | any[]} part Text or bytes as they are, messages as a line. */
            write: async (part) => {
              const line = Array.isArray(part) ? `${JSON.stringify(part)}\n` : part;
              writer.write(typeof line === "string" ? text.encode(line) : line).catch(() => {});
              await pause();
            },
            end: async () => {
              writer.close().catch(() => {});
              await pause();
            },
            cut: async () => {
              writer.abort(new TypeError("network")).catch(() => {});
              await pause();
            },
          };
        },
        fail: async () => {
          reject(new TypeError("network"));
          await settle();
        },
        answer: async (messages, status = 200, headers = {}) => {
          const text = typeof messages === "string" || messages === null ? messages : JSON.stringify(messages);
          resolve(new Response(text, { status, headers }));
          await new Promise((done) => setTimeout(done, 5));
          await settle();
        },
      });
    });
  return { fetch, requests };
}

export const URL = "http://loopback/cometd";

/**
 * A client with all of these, what it reported, and the handles.
 * @param {import("../src/options.js").Options} [options]
 */
export function start(options = {}) {
  const clock = new HandClock();
  const WebSocket = handSocket();
  const { fetch, requests } = handFetch();
  const comet = new Comet(URL, /** @type {any} */ ({ clock, WebSocket, fetch, random: () => 0.5, transports: ["websocket"], ...options }));
  const states = [];
  const errors = [];
  comet.addEventListener("state", (event) => states.push(/** @type {CustomEvent} */ (event).detail));
  comet.addEventListener("error", (event) => errors.push(/** @type {CustomEvent} */ (event).detail.code));
  return { comet, clock, WebSocket, requests, states, errors };
}

/** What a server advises that holds a connect for a while. */
export const advice = { reconnect: "retry", interval: 0, timeout: 25_000 };
/** What the reply to a handshake says where the server keeps what was not received. */
export const COUNTS = { received: true };

/** A client in a session that counts. @param {import("../src/options.js").Options} [options] */
export async function counting(options) {
  const started = start(options);
  await settle();
  await started.WebSocket.last.welcome(COUNTS);
  return started;
}
