/**
 * @file The `flash` transport in both browsers: a real server, a real movie in Ruffle, and a page whose policy forbids code made of text.
 * `COMET_PROGRAM` names the program `comet`; `clients/flash/out` holds the movie and its player (`cargo xtask flash` makes it).
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { access, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import puppeteer from "puppeteer-core";
import { BROWSERS } from "../browser.js";
import { serveFile } from "../scripted-server.js";

const program = process.env.COMET_PROGRAM;
if (!program) throw new Error("COMET_PROGRAM must name the program, such as target/debug/comet");
const out = new URL("../../../flash/out/", import.meta.url).pathname;
await access(`${out}bridge.swf`).catch(() => {
  throw new Error("there is no movie; `cargo xtask flash` makes it");
});
const LIMIT = { timeout: 90_000 };

/** A server in a process of its own, on a port that it keeps. */
class Server {
  #child;
  #file;
  url = "http://127.0.0.1:0";

  /** @param {string} file */
  constructor(file) {
    this.#file = file;
  }

  async start() {
    const args = ["serve", "--config", this.#file, "--internal-listen", "127.0.0.1:0", "--listen", new URL(this.url).host];
    this.#child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
    this.#child.stdout.setEncoding("utf8");
    let said = "";
    this.url = await new Promise((resolve, reject) => {
      // It is listened to as long as it talks.
      this.#child.stdout.on("data", (text) => {
        said += text;
        const [, address] = /^listening on (\S+)$/m.exec(said) ?? [];
        if (address) resolve(`http://${address}`);
      });
      this.#child.once("exit", () => reject(new Error(`the server did not start: ${said}`)));
    });
  }

  /** @param {NodeJS.Signals} signal */
  async stop(signal) {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await ended;
  }

  /** Publishes numbers. */
  async count(from, to) {
    for (let at = from; at < to; at += 500) {
      const messages = Array.from({ length: Math.min(500, to - at) }, (_, index) => ({ channel: "/flash/count", data: at + index }));
      const answer = await fetch(`${this.url}/api/batch`, { method: "POST", body: JSON.stringify({ messages }) });
      assert.equal(answer.status, 200);
    }
  }
}

const numbers = (from, to) => Array.from({ length: to - from }, (_, index) => from + index);

describe("flash", () => {
  /** @type {Server} */
  let server;
  let pages;
  let folder;
  let address;
  before(async () => {
    pages = createServer((request, response) => {
      // The strictest policy under which a player in WebAssembly works.
      const policy = `default-src 'none'; script-src 'self' ${server.url} 'wasm-unsafe-eval'; worker-src blob:; style-src 'self'; `
        + `connect-src ${server.url} ${server.url.replace("http", "ws")}; base-uri 'none'; form-action 'none'`;
      response.setHeader("Content-Security-Policy", policy);
      serveFile(response, new URL(request.url ?? "/", "http://page").pathname);
    });
    await new Promise((resolve) => pages.listen(0, "127.0.0.1", () => resolve(undefined)));
    const page = `http://127.0.0.1:${pages.address().port}`;
    folder = await mkdtemp(join(tmpdir(), "comet-flash-"));
    const file = join(folder, "comet.toml");
    const config = `[http]\nallowed_origins = [${JSON.stringify(page)}]\n[flash]\nwebsocket = true\nfiles = ${JSON.stringify(out)}\n`;
    await writeFile(file, config);
    server = new Server(file);
    await server.start();
    address = `${page}/test/flash/page.html?server=${encodeURIComponent(server.url)}`;
  });
  after(async () => {
    await server.stop("SIGKILL");
    pages.closeAllConnections();
    await new Promise((resolve) => pages.close(() => resolve(undefined)));
    await rm(folder, { recursive: true, force: true });
  });

  for (const name of Object.keys(BROWSERS)) {
    describe(`in ${name}`, () => {
      let browser;
      let profile;
      let page;
      const take = (journey, ...args) => page.evaluate((journey, args) => window.journeys[journey](...args), journey, args);
      before(async () => {
        profile = await mkdtemp(join(tmpdir(), "comet-browser-"));
        browser = await puppeteer.launch({ ...BROWSERS[name], headless: true, userDataDir: profile });
        page = await browser.newPage();
        await page.goto(address);
        await page.waitForFunction("window.isReady");
      });
      after(async () => {
        await browser?.close();
        await rm(profile, { recursive: true, force: true, maxRetries: 5 });
      });

      test("without player, movie or server the next transport is taken", LIMIT, async () => {
        // Once there is a player on the page, no other is looked for.
        assert.equal(await take("without", { ruffle: `${server.url}/comet/flash/nothing.js` }), "long-polling");
        assert.equal(await take("without", { movie: `${server.url}/comet/flash/nothing.swf` }), "long-polling");
        assert.equal(await take("without", { url: `${server.url}/nothing` }), "long-polling");
      });

      test("text of every kind comes back as it went", LIMIT, async () => {
        assert.deepEqual(await take("text"), { transport: "flash", same: true });
      });

      test("nearly a megabyte goes both ways", LIMIT, async () => {
        assert.deepEqual(await take("megabyte"), { transport: "flash", same: true });
      });

      test("messages come in order, across other transports and a server that is killed", LIMIT, async () => {
        assert.equal(await take("begin"), "flash");
        await server.count(0, 2_000);
        assert.deepEqual(await take("heard", 2_000), { heard: numbers(0, 2_000), gaps: 0, errors: [], transport: "flash" });

        let publishing = server.count(2_000, 3_000);
        assert.equal(await take("move", "long-polling"), "long-polling");
        await publishing;
        publishing = server.count(3_000, 4_000);
        assert.equal(await take("move", "flash"), "flash");
        await publishing;
        assert.deepEqual(await take("heard", 2_000), { heard: numbers(2_000, 4_000), gaps: 0, errors: [], transport: "flash" });

        await server.stop("SIGKILL");
        await server.start();
        // What was remembered went with the server, and nothing is remembered that could be told as missing but that.
        await page.waitForFunction(`fetch(${JSON.stringify(`${server.url}/cometd`)}, { mode: "no-cors" }).then(() => true, () => false)`);
        const { gaps, transport } = await take("heard", 0).then(async (first) => {
          while (true) {
            const now = await take("heard", 0);
            first = { ...now, gaps: now.gaps };
            if (first.gaps > 0 && first.transport) return first;
          }
        });
        assert.deepEqual([gaps, ["flash", "long-polling"].includes(transport)], [1, true]);
        assert.equal(await take("move", "flash"), "flash");
        await server.count(4_000, 4_100);
        const { heard } = await take("heard", 100);
        assert.deepEqual(heard, numbers(4_000, 4_100));
        const { state, players } = await take("end");
        assert.equal(state, "closed");
        // One for this address, and perhaps still the one for the address where nothing was.
        assert.ok(players === 1 || players === 2, String(players));
      });

      test("a server that stops sends the page away, and the page comes back", LIMIT, async () => {
        await take("begin");
        await server.count(0, 10);
        await take("heard", 10);
        await server.stop("SIGTERM");
        await server.start();
        await take("back");
        assert.equal(await take("move", "flash"), "flash");
        await server.count(10, 20);
        const { heard, errors } = await take("heard", 10);
        assert.deepEqual(heard, numbers(10, 20));
        // A player may tell of the end of a socket before the last words on it, or only when a message cannot be sent any more.
        assert.ok(errors.length > 0, "it was told");
        await take("end");
      });

      test("all this needed no code made of text, and nothing but styles was forbidden", LIMIT, async () => {
        assert.equal(await page.evaluate(() => window.evaluates), false);
        const violations = await page.evaluate(() => window.violations);
        const grave = violations.filter((violation) => !violation.startsWith("style-src") && violation !== "script-src eval");
        assert.deepEqual(grave, []);
      });
    });
  }
});
