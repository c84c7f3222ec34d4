/**
 * @file Shows the pictures of a channel in image elements, on a page without our client and without a script of its own.
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
 * In the page: publishes pictures, each of its own width, and waits until both image elements have become that wide.
 * @param {string} mount
 * @param {string} channel
 */
async function watch(mount, channel) {
  /** @param {object[]} batch */
  const post = async (batch) => (await fetch(mount, { method: "POST", body: JSON.stringify(batch) })).json();
  const [{ clientId }] = await post([{ channel: "/meta/handshake", version: "1.0", supportedConnectionTypes: ["long-polling"] }]);
  /** @param {unknown} data */
  const publish = (data) => post([{ channel, clientId, data }]);
  /** @param {number} width @param {string} type */
  const picture = (width, type) => {
    const canvas = Object.assign(document.createElement("canvas"), { width, height: 3 });
    return { type, image: canvas.toDataURL(type).split(",")[1] };
  };
  /** @type {HTMLImageElement[]} */
  const images = [];
  const show = () => {
    images.push(Object.assign(new Image(), { src: `/images?channel=${channel}` }));
    document.body.append(/** @type {HTMLImageElement} */ (images.at(-1)));
  };
  /** @param {number} width */
  const shown = async (width) => {
    while (images.some((image) => image.naturalWidth !== width)) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  await publish(picture(7, "image/png"));
  show();
  show();
  await shown(7);
  for (let width = 10; width < 15; width++) {
    await publish(picture(width, width === 12 ? "image/jpeg" : "image/png"));
    await shown(width);
  }
  await publish({ type: "image/svg+xml", image: btoa('<svg xmlns="http://www.w3.org/2000/svg" width="99" height="99"/>') });
  await publish({ type: "text/html", image: btoa("<script>window.ran = true</script>") });
  await publish(picture(21, "image/png"));
  await shown(21);
  return { complete: images.map((image) => image.complete), ran: "ran" in window };
}

for (const [name, options] of Object.entries(BROWSERS)) {
  describe(`streams of pictures, in ${name}`, () => {
    test("image elements show each picture when it comes, before there is another", { timeout: 60_000 }, async () => {
      const profile = await mkdtemp(join(tmpdir(), "comet-browser-"));
      const browser = await puppeteer.launch({ ...options, headless: true, userDataDir: profile });
      try {
        const page = await browser.newPage();
        await page.goto(`${origin}/comet.js`);
        assert.deepEqual(await page.evaluate(watch, pathname, `/images/${name}`), { complete: [true, true], ran: false });
      } finally {
        await browser.close();
        await rm(profile, { recursive: true, force: true, maxRetries: 5 });
      }
    });
  });
}
