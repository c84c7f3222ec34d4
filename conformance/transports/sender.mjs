// Publishers that go past every proxy, straight to the server's HTTP API, as several senders at once. A request whose answer is lost is said again under
// the same keys until the server has answered, so that every publication of a story is known to be accepted.

import { Agent, request } from "node:http";
import { randomBytes } from "node:crypto";
import { pause } from "./place.mjs";

const BATCH = 50;
const AGAIN_MS = 50;
const GIVE_UP_MS = 90_000;
const REQUEST_TIMEOUT_MS = 30_000;

/** One POST to the API. */
export function post(agent, origin, path, value) {
  return new Promise((resolve, reject) => {
    const body = Buffer.from(JSON.stringify(value));
    const headers = { "content-type": "application/json", "content-length": body.length };
    const asked = request(origin + path, { method: "POST", agent, headers, timeout: REQUEST_TIMEOUT_MS });
    asked.on("error", reject).on("timeout", () => asked.destroy(new Error("no answer")));
    asked.on("response", (answer) => {
      const parts = [];
      answer.on("error", reject).on("data", (bytes) => parts.push(bytes));
      answer.on("end", () => resolve({ status: answer.statusCode, value: JSON.parse(Buffer.concat(parts).toString()) }));
    });
    asked.end(body);
  });
}

/** One name under which numbered messages are published. */
export class Sender {
  #origin;
  #ledger;
  #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  #next = new Map();
  #name;

  constructor(origin, ledger, name) {
    this.#origin = origin;
    this.#ledger = ledger;
    this.#name = name;
  }

  /**
   * Publishes the next numbers on a channel.
   *
   * @param {string} channel
   * @param {number} count
   * @param {string} [padding] goes with each
   */
  async send(channel, count, padding) {
    for (let left = count; left > 0; left -= BATCH) await this.#group(channel, Math.min(left, BATCH), padding);
  }

  async #group(channel, count, padding) {
    const first = this.#next.get(channel) ?? 0;
    this.#next.set(channel, first + count);
    const notes = Array.from({ length: count }, (_, index) => ({ from: this.#name, n: first + index, padding }));
    let open = notes.map((data) => ({ channel, data, key: randomBytes(12).toString("hex") }));
    for (const note of notes) this.#ledger.published(channel, note);
    const end = Date.now() + GIVE_UP_MS;
    while (open.length > 0) {
      const answer = await post(this.#agent, this.#origin, "/api/batch", { messages: open }).catch((error) => ({ error }));
      if (answer.status === 200) {
        // Numbers are only in order when whatever follows a refused one is refused as well, or nothing is.
        const results = answer.value.results;
        const refused = results.findIndex((result) => !result.position);
        const settled = refused < 0 ? results.length : refused;
        open.slice(0, settled).forEach(({ data }, index) => this.#ledger.acknowledgedAt(channel, data, results[index].position));
        if (results.slice(settled).some((result) => result.position)) throw new Error(`a batch was accepted in part: ${JSON.stringify(results[refused])}`);
        open = open.slice(settled);
      }
      if (open.length === 0) return;
      if (Date.now() > end) throw new Error(`nothing can be published: ${answer.error?.message ?? JSON.stringify(answer.value)}`);
      await pause(AGAIN_MS);
    }
  }

  close() {
    this.#agent.destroy();
  }
}
