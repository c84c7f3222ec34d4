// The log of one story, and its judgement by the test kit's checker: what was published and acknowledged where, what the page
// heard, which gaps it was told. The checker is a program that reads lines and names every fault (crates/comet-testkit).

import { spawn } from "node:child_process";

const LISTENER = "page";
const MOST_TOLD = 3;

export class Ledger {
  #checker;
  #lines = [];
  /** How many publications the server has accepted. */
  acknowledged = 0;

  /** @param {string} checker path of the checker */
  constructor(checker) {
    this.#checker = checker;
  }

  /** The page listens to this channel from before the first publication to after the last. */
  listens(channel) {
    this.#lines.push({ listens: [LISTENER, channel] });
  }

  published(channel, { from, n }) {
    this.#lines.push({ published: [channel, from, n] });
  }

  acknowledgedAt(channel, { from, n }, { epoch, offset }) {
    this.acknowledged += 1;
    this.#lines.push({ acknowledged: [channel, from, n, epoch, offset] });
  }

  /** @param {[string, string, number, string, number][]} heard channel, publisher, number, epoch and offset of each event */
  heard(heard) {
    for (const line of heard) this.#lines.push({ saw: [LISTENER, ...line] });
  }

  /** @param {string[]} channels one for each gap the page was told of */
  gaps(channels) {
    for (const channel of channels) this.#lines.push({ gap: [LISTENER, channel] });
  }

  /** Resolves with how many deliveries were judged; rejects with the first faults, in words. */
  async judge() {
    const { seen, count, faults } = await check(this.#checker, this.#lines);
    if (count > 0) throw new Error(`${count} faults: ${faults.slice(0, MOST_TOLD).join("; ")}`);
    return seen;
  }
}

/** Feeds lines to the checker and reads its verdict. */
async function check(program, lines) {
  const child = spawn(program, [], { stdio: ["pipe", "pipe", "inherit"] });
  const told = [];
  child.stdout.on("data", (bytes) => told.push(bytes));
  const ended = new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  child.stdin.on("error", () => {});
  child.stdin.end(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  const status = await ended;
  if (status !== 0) throw new Error(`the checker ended with ${status}`);
  return JSON.parse(Buffer.concat(told).toString());
}

/** Whether the checker hears what it must: each of these runs has one thing wrong with it. */
export async function hears(checker) {
  const runs = {
    lost: [0, 2],
    again: [0, 1, 1, 2],
    "after a later": [0, 2, 1],
    nobody: [0, 1, 2, 3],
    "which is at": [0, 1, { n: 2, offset: 7 }],
    gap: [0, 1, 2, "gap"],
  };
  for (const [word, seen] of Object.entries(runs)) {
    const ledger = new Ledger(checker);
    ledger.listens("/a");
    for (const n of [0, 1, 2]) {
      ledger.published("/a", { from: "s", n });
      ledger.acknowledgedAt("/a", { from: "s", n }, { epoch: "e", offset: n + 1 });
    }
    for (const event of seen) {
      if (event === "gap") ledger.gaps(["/a"]);
      else ledger.heard([["/a", "s", event.n ?? event, "e", event.offset ?? event + 1]]);
    }
    const told = await ledger.judge().then(() => "nothing", (error) => error.message);
    if (!told.includes(word)) throw new Error(`of a run with a fault it says ${told}`);
  }
  return `${Object.keys(runs).length} faults`;
}
