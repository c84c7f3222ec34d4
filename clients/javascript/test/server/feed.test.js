/**
 * @file Listens with the browsers' own EventSource, on a page without our client, to the plain event streams of a real server.
 * The server is named by `COMET_URL`, as in integration.test.js.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import puppeteer from "puppeteer-core";
import { BROWSERS } from "../browser.js";

const address = process.env.COMET_URL;
if (!address) throw new Error("COMET_URL must name the server to test, such as http://127.0.0.1:8000/cometd");
const { origin, pathname } = new URL(address);

/**
 * In the page: listens, publishes, closes, publishes, and goes on behind the last id.
 * @param {string} mount
 * @param {string} channel
 */
async function listen(mount, channel) {
  /** @param {object[]} batch */
  const post = async (batch) => (await fetch(mount, { method: "POST", body: JSON.stringify(batch) })).json();
  const [{ clientId }] = await post([{ channel: "/meta/handshake", version: "1.0", supportedConnectionTypes: ["long-polling"] }]);
  /** @param {unknown} data */
  const publish = (data) => post([{ channel, clientId, data }]);
  /** @type {unknown[]} */
  const heard = [];
  let last = "";
  /** @param {string} more @param {number} count @param {() => Promise<void>} opened */
  const until = (more, count, opened) =>
    new Promise((resolve, reject) => {
      const source = new EventSource(`/events?channel=${channel}&channel=/nobody/*${more}`);
      source.onopen = () => opened().catch(reject);
      source.onerror = () => source.readyState === 2 && reject(new Error("the browser gave up"));
      source.addEventListener("gap", ({ data }) => reject(new Error(data)));
      source.addEventListener(channel, ({ data, lastEventId }) => {
        heard.push(JSON.parse(data));
        last = lastEventId;
        if (heard.length < count) return;
        source.close();
        resolve(undefined);
      });
    });
  await until("", 2, async () => {
    await publish({ text: "line\nend\u2028\u0000\u{1f600}" });
    await publish(1);
  });
  await publish(2);
  await until(`&since=${encodeURIComponent(last)}`, 4, async () => void (await publish(3)));
  return heard;
}

for (const [name, options] of Object.entries(BROWSERS)) {
  describe(`plain event streams, in ${name}`, () => {
    test("a page without our client hears its channels and goes on behind the last id", { timeout: 60_000 }, async () => {
      const profile = await mkdtemp(join(tmpdir(), "comet-browser-"));
      const browser = await puppeteer.launch({ ...options, headless: true, userDataDir: profile });
      try {
        const page = await browser.newPage();
        await page.goto(`${origin}/comet.js`);
        const heard = await page.evaluate(listen, pathname, `/feed/${name}`);
        assert.deepEqual(heard, [{ text: "line\nend\u2028\u0000\u{1f600}" }, 1, 2, 3]);
      } finally {
        await browser.close();
        await rm(profile, { recursive: true, force: true, maxRetries: 5 });
      }
    });
  });
}
