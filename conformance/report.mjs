// How a judge speaks: one JSON line per case on standard output, and a question when it needs the server restarted.
// Whoever runs the judge (`cargo xtask conformance`) answers the question with a line on standard input.
//
//   node JUDGE URL TRANSPORT [--without CASE]... [--page-port PORT]
//
// out  {"case":"handshake","verdict":"ok","words":""}     in answer to nothing
// out  {"ask":"restart"}                                   in  restarted
// out  {"done":true}

import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

/** Reads the command line all judges share; ends the process with status 2 when it is wrong. */
export function options() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      without: { type: "string", multiple: true, default: [] },
      "page-port": { type: "string", default: "0" },
    },
  });
  if (positionals.length !== 2) {
    console.error("usage: node JUDGE URL TRANSPORT [--without CASE]... [--page-port PORT]");
    process.exit(2);
  }
  const [url, transport] = positionals;
  return { url, transport, without: new Set(values.without), pagePort: Number(values["page-port"]) };
}

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

/** The world of a story that runs in this process, or whose cases are passed on to it from a page. */
export class Report {
  #without;
  #failed = false;
  #answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

  /** @param {Set<string>} without names of cases that are left out */
  constructor(without) {
    this.#without = without;
  }

  wants(name) {
    return !this.#without.has(name);
  }

  /** Whether nothing has failed so far that the rest needs. */
  get reached() {
    return !this.#failed;
  }

  /** Runs one case; what it resolves to may be words that are kept. After a failed one the rest is not tried, for it would only repeat the same fault. */
  async check(name, story) {
    if (!this.wants(name)) return;
    if (!this.reached) return this.record(name, "failed", "not reached");
    try {
      const words = await story();
      this.record(name, "ok", typeof words === "string" ? words : "");
    } catch (error) {
      this.record(name, "failed", error.message);
    }
  }

  record(name, verdict, words) {
    if (verdict !== "ok" && name !== "remote-call") this.#failed = true;
    say({ case: name, verdict, words });
  }

  /** Asks for a restart and waits for the answer. */
  async restart() {
    say({ ask: "restart" });
    const { value, done } = await this.#answers.next();
    if (done || value.trim() !== "restarted") throw new Error("nobody restarted the server");
  }

  /** Ends the judge, with every connection it may still hold. */
  end() {
    say({ done: true });
    process.exit(0);
  }
}
