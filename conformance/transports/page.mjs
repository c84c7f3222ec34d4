// The page of a case: a document of the server's own origin or of another site, without a policy of its own, in which the client of the
// project runs. What it hears stays there until the story asks for it. Functions given to `evaluate` know nothing but their arguments.

import { largeText, strangeTexts } from "./text.mjs";
import { pause } from "./place.mjs";

const LOOK_EVERY_MS = 50;
/** A run in which so long nothing more arrives will not end. */
const SILENCE_MS = 40_000;
const OPEN_TIMEOUT_MS = 40_000;

/** Puts the listener into the page; it opens a client, subscribes, and remembers. */
async function install(address, largeSource, strangeSource) {
  const { Comet } = await import(new URL("/comet.js", location.href).href);
  const make = (source) => new Function(`return (${source})();`);
  const judge = {
    texts: make(strangeSource),
    large: make(largeSource),
    heard: [],
    data: [],
    gaps: [],
    errors: [],
    async open(transport, pattern, options) {
      Object.assign(judge, { heard: [], data: [], gaps: [], errors: [] });
      const comet = (judge.comet = new Comet(address, { transports: [transport], backoffBaseMs: 100, backoffCapMs: 400, ...options }));
      comet.addEventListener("error", ({ detail }) => judge.errors.push(`${detail.code} ${JSON.stringify(detail.cause ?? "")}`));
      const subscription = comet.subscribe(pattern, ({ channel, data, position }) => {
        if (typeof data?.n === "number") judge.heard.push([channel, data.from, data.n, position?.epoch ?? "", position?.offset ?? -1]);
        else judge.data.push(data);
      });
      subscription.addEventListener("gap", ({ detail }) => judge.gaps.push(detail.channel));
      await subscription.ready;
      for (let left = 400; comet.transport !== transport; left--) {
        if (left === 0) throw new Error(`the client is on ${comet.transport}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
  };
  globalThis.judge = judge;
}

export class Page {
  #page;
  #origin;
  #site;

  constructor(page, site) {
    this.#page = page;
    this.#site = site;
  }

  /**
   * Opens a page in a context of its own.
   *
   * @param {import("puppeteer-core").Browser} browser
   * @param {string} origin of the server, or of what is on the way to it
   * @param {string} [site] of the page, when it is another one
   */
  static async open(browser, origin, site) {
    const context = await browser.createBrowserContext();
    const page = await context.newPage();
    page.setDefaultTimeout(OPEN_TIMEOUT_MS);
    page.close = () => context.close();
    const here = new Page(page, site);
    await here.visit(origin);
    return here;
  }

  /** Goes to another origin, or to the same one anew; a page abroad stays there and has its client go. */
  async visit(origin) {
    this.#origin = origin;
    await this.#page.goto(`${this.#site ?? origin}/comet.js`);
    await this.#page.evaluate(install, `${origin}/cometd`, largeText.toString(), strangeTexts.toString());
  }

  get puppet() {
    return this.#page;
  }

  get origin() {
    return this.#origin;
  }

  evaluate(act, ...values) {
    return this.#page.evaluate(act, ...values);
  }

  /** Opens a client on one transport of the table and listens. */
  async listen({ name, options: own }, pattern, options = {}) {
    const all = { ...own, ...options };
    const open = this.evaluate((transport, pattern, options) => judge.open(transport, pattern, options), name, pattern, all);
    const late = pause(OPEN_TIMEOUT_MS).then(async () => {
      throw new Error(`no subscription on ${name}: ${(await this.evaluate(() => judge.errors)).join(", ")}`);
    });
    await Promise.race([open, late]);
  }

  /** How many events have come. */
  count() {
    return this.evaluate(() => judge.heard.length);
  }

  /** Waits for this many events; `onCount` hears how many there are. */
  async hear(wanted, onCount = () => {}) {
    let last = -1;
    for (let end = Date.now() + SILENCE_MS; ; ) {
      const count = await this.count();
      onCount(count);
      if (count >= wanted()) return;
      if (count !== last) end = Date.now() + SILENCE_MS;
      else if (Date.now() > end) {
        const told = await this.evaluate(() => [judge.comet.state, judge.comet.transport, ...judge.errors.slice(-3)].join(", "));
        throw new Error(`${count} of ${wanted()} heard, and nothing more for ${SILENCE_MS / 1_000} s (${told})`);
      }
      last = count;
      await pause(LOOK_EVERY_MS);
    }
  }

  /** Writes into a ledger what was heard. */
  async report(ledger) {
    const { heard, gaps } = JSON.parse(await this.evaluate(() => JSON.stringify({ heard: judge.heard, gaps: judge.gaps })));
    ledger.heard(heard);
    ledger.gaps(gaps);
  }

  /** Ends the client. */
  async leave() {
    await this.evaluate(() => judge.comet?.close());
  }

  async close() {
    await this.#page.close();
  }
}
