/**
 * @file Multipart streams in both browsers, read by `fetch` and by `XMLHttpRequest`: everything a part may carry, streams that follow
 * one another or are cut, and pages of other hosts. The server is scripted, so that each stream ends where the test wants it to.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import puppeteer from "puppeteer-core";
import { BROWSERS } from "./browser.js";
import { TEXT } from "./scripted-streams.js";
import { elsewhere, hearAll } from "./streams.js";

for (const [name, options] of Object.entries(BROWSERS)) {
  for (const reader of ["fetch", "xhr"]) {
    describe(`multipart streams in ${name}, by ${reader}`, { timeout: 300_000 }, () => {
      /** @type {import("puppeteer-core").Browser} */
      let browser;
      before(async () => {
        browser = await puppeteer.launch({ ...options, headless: true });
      });
      after(() => browser.close());

      test("events come in order through streams that follow one another", () =>
        hearAll(browser, { events: 5_000, each: 2_000 }, () => `transport=multipart&reader=${reader}`, ({ numbers, wrong, errors, states, text }, streams) => {
          assert.deepEqual({ numbers, wrong, errors, states, text }, { numbers: 5_000, wrong: [], errors: [], states: ["connected"], text: TEXT });
          assert.equal(streams.length, 3);
        }));

      test("a page of another host hears them, and a part that is cut is no loss", () =>
        hearAll(browser, { events: 1_000, each: 1_000, cutAt: 500 }, (port) => `transport=multipart&reader=${reader}&${elsewhere(port)}`, ({ numbers, wrong, errors }, streams) => {
          assert.deepEqual([numbers, wrong, errors, streams.length], [1_000, [], ["connection_lost"], 2]);
        }));
    });
  }
}
