/**
 * @file The persistent frame in both browsers: many events without growth, everything that could break a script, frames that follow
 * one another or are cut, and pages of other origins. The server is scripted, so that each frame ends where the test wants it to.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import puppeteer from "puppeteer-core";
import { BROWSERS } from "./browser.js";
import { TEXT } from "./scripted-streams.js";
import { elsewhere, hearAll } from "./streams.js";

for (const [name, options] of Object.entries(BROWSERS)) {
  describe(`the persistent frame in ${name}`, { timeout: 300_000 }, () => {
    /** @type {import("puppeteer-core").Browser} */
    let browser;
    before(async () => {
      browser = await puppeteer.launch({ ...options, headless: true });
    });
    after(() => browser.close());

    test("20,000 events come in order through frames that follow one another, and nothing grows, flickers or is added to the history", () =>
      hearAll(browser, { events: 20_000, each: 6_000 }, () => "transport=iframe&inside", (seen, streams) => {
        const { numbers, wrong, errors, states, text, injected, title, framesAtLoad, history, now, mostNodes, mostFrames } = seen;
        assert.deepEqual({ numbers, wrong, errors, states, text, injected, title }, { numbers: 20_000, wrong: [], errors: [], states: ["connected"], text: TEXT, injected: undefined, title: "Stream" });
        assert.deepEqual([framesAtLoad, now - history, mostFrames], [0, 0, 1]);
        assert.ok(mostNodes < 50, `${mostNodes} nodes`);
        assert.deepEqual(streams.map(({ mode }) => mode), ["call", "call", "call", "call"]);
      }));

    test("a frame that is cut in the middle of a script is followed by another, without loss or repetition", () =>
      hearAll(browser, { events: 1_000, each: 1_000, cutAt: 500, timeoutMs: 2_000 }, () => "transport=iframe&delay=2000", ({ numbers, wrong, states, errors }) => {
        assert.deepEqual([numbers, wrong, states.slice(0, 2)], [1_000, [], ["connected", "waiting"]]);
        // Chromium says nothing of a frame that is cut, so that its silence has to tell.
        assert.equal(errors[0], name === "Firefox" ? "connection_lost" : "timeout");
      }));

    test("a page of another host hears its frame by messages, and nothing else that is posted to it", () =>
      hearAll(browser, { events: 2_000, each: 1_000 }, (port) => `transport=iframe&${elsewhere(port)}`, async ({ numbers, wrong, errors, text, mostNodes, history, now }, streams, page) => {
        assert.deepEqual({ numbers, wrong, errors, text }, { numbers: 2_000, wrong: [], errors: [], text: TEXT });
        assert.ok(mostNodes < 50, `${mostNodes} nodes`);
        const referer = `${await page.evaluate("location.origin")}/`;
        assert.deepEqual(streams.map((frame) => [frame.mode, frame.referer]), [["message", referer], ["message", referer]]);
        assert.equal(now - history, 0);
        const forged = { comet: [{ channel: "/a", data: { number: 0 } }] };
        await page.evaluate(`new Promise((done) => { addEventListener("message", () => setTimeout(done)); postMessage(${JSON.stringify(forged)}, "*"); })`);
        assert.equal((/** @type {any} */ (await page.evaluate("look()"))).numbers, 2_000);
      }));

    test("pages that take the same document.domain call each other, as they did of old", () =>
      hearAll(browser, { events: 2_000, each: 1_000 }, (port) => `transport=iframe&${elsewhere(port)}&domain=comet.localhost&inside`, async ({ numbers, wrong, errors, text, mostNodes }, streams, page) => {
        assert.deepEqual({ numbers, wrong, errors, text }, { numbers: 2_000, wrong: [], errors: [], text: TEXT });
        assert.ok(mostNodes < 50, `${mostNodes} nodes`);
        assert.equal(await page.evaluate("document.domain"), "comet.localhost");
        assert.deepEqual(streams.map(({ mode }) => mode), ["domain", "domain"]);
      }));
  });
}
