// A proxy between a client and a server that cuts connections at random times, each time in one of four ways. It knows
// bytes and nothing else; what it has done is counted, so that a run without trouble cannot pass for a good one.

import { connect, createServer } from "node:net";

/** How connections end: at once; after bytes to the client, or to the server, were lost; or amid what comes next. */
const WAYS = ["cut", "lose-answers", "lose-requests", "tear"];

export class CuttingProxy {
  #server;
  #pairs = new Set();
  #random;
  #timer;

  /** How often connections were ended, by way. */
  cuts = Object.fromEntries(WAYS.map((way) => [way, 0]));
  /** How many chunks never arrived, or arrived in part. */
  lost = 0;

  /**
   * @param {URL} target where everything goes
   * @param {import("./random.mjs").Random} random decides when and how
   */
  constructor(target, random) {
    this.#random = random;
    this.#server = createServer((client) => this.#join(client, connect(Number(target.port), target.hostname)));
  }

  /** Listens on a free port and returns it. */
  async open() {
    await new Promise((resolve, reject) => this.#server.once("error", reject).listen(0, "127.0.0.1", resolve));
    return this.#server.address().port;
  }

  /** Ends connections again and again, `least` to `most` ms apart, until `calm` is called. */
  trouble(least, most) {
    this.#timer = setTimeout(() => {
      this.#strike(this.#random.of(WAYS));
      this.trouble(least, most);
    }, this.#random.between(least, most));
  }

  calm() {
    clearTimeout(this.#timer);
  }

  close() {
    this.calm();
    this.#server.close();
    for (const pair of this.#pairs) pair.end();
  }

  get total() {
    return Object.values(this.cuts).reduce((sum, count) => sum + count, 0);
  }

  #strike(way) {
    // One whose end is decided keeps its way: a connection that lost bytes and then went on would be no connection.
    const pairs = [...this.#pairs].filter((pair) => !pair.way);
    if (pairs.length === 0) return;
    this.cuts[way] += 1;
    for (const pair of pairs) pair.way = way;
    const end = () => pairs.forEach((pair) => pair.end());
    if (way === "cut") end();
    else setTimeout(end, this.#random.between(10, 250));
  }

  #join(client, server) {
    const end = () => {
      this.#pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    const pair = { way: "", end };
    this.#pairs.add(pair);
    for (const socket of [client, server]) socket.setNoDelay(true).on("error", end).on("close", end);
    client.on("data", (bytes) => (pair.way === "lose-requests" ? void this.lost++ : server.write(bytes)));
    server.on("data", (bytes) => {
      if (pair.way === "lose-answers") return void this.lost++;
      if (pair.way !== "tear") return void client.write(bytes);
      this.lost++;
      client.end(bytes.subarray(0, this.#random.between(0, bytes.length - 1)));
      pair.way = "lose-answers";
    });
  }
}
