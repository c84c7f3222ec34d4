/**
 * @file Eight tabs of one browser on one connection to a real server, in both browsers: what the server counts, and what becomes of the
 * tabs when the one that leads, or the worker, dies while a counter runs. `COMET_URL` names the server, which nobody else may use.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { BROWSERS } from "../browser.js";
import { until } from "../journey/check.js";
import { backend, openTabs } from "./tabs.js";

const address = process.env.COMET_URL;
if (!address) throw new Error("COMET_URL must name the server to test, such as http://127.0.0.1:8000/cometd");
const server = new URL(address);
const api = backend(server);
const TABS = 8;
const PATIENCE_MS = 60_000;

let lastRoom = 0;
const room = () => `/link/${Date.now().toString(36)}${(lastRoom += 1)}`;

/** @param {import("puppeteer-core").Page} page @param {string} expression @returns {Promise<any>} */
const ask = (page, expression) => page.evaluate(`window.tab.${expression}`);

/** @param {import("puppeteer-core").Page} page @param {number} number Waits until the page has heard it. */
const hears = (page, number) => until(() => ask(page, `seen.at(-1) >= ${number}`), () => `number ${number}`, PATIENCE_MS);

/** @param {import("puppeteer-core").Page} page Never answers again. */
async function crash(page) {
  const gone = new Promise((resolve) => page.once("error", resolve));
  const session = await page.createCDPSession();
  session.send("Page.crash").catch(() => {});
  await gone;
}

/** @param {number[]} seen @param {number} last */
function assertEach(seen, last) {
  const from = seen[0];
  assert.deepEqual(seen.slice(0, last - from + 1), Array.from({ length: last - from + 1 }, (_, index) => from + index));
}

/**
 * @param {Awaited<ReturnType<typeof openTabs>>} tabs
 * @param {string} channel
 * @param {object} options
 */
async function openAll(tabs, channel, options) {
  const pages = [];
  for (let number = 0; number < TABS; number += 1) {
    const page = await tabs.open();
    await ask(page, `begin(${JSON.stringify(options)})`);
    await ask(page, `listen(${JSON.stringify(channel)})`);
    pages.push(page);
  }
  return pages;
}

for (const name of /** @type {(keyof typeof BROWSERS)[]} */ (Object.keys(BROWSERS))) {
  for (const via of ["worker", "leader"]) {
    describe(`eight tabs in ${name}, by a ${via}`, () => {
      test("the server counts one session, and every other tab hears every number when one dies", { timeout: 240_000 }, async () => {
        const tabs = await openTabs(name, server);
        try {
          await api.sessions(0);
          const channel = room();
          const pages = await openAll(tabs, channel, { via: [via] });
          assert.equal((await api.info()).sessions, 1);
          assert.deepEqual([tabs.front.upgraded.size, tabs.front.held.size], [1, 0]);
          const counter = api.count(channel);
          await Promise.all(pages.map((page) => hears(page, 100)));
          // The first tab leads, where one has to. A crash gives it no time for a word.
          if (via === "leader" && name === "Chromium") await crash(pages[0]);
          else await pages[0].close();
          const killedAt = counter.next;
          const others = pages.slice(1);
          await Promise.all(others.map((page) => hears(page, killedAt + 100)));
          if (via === "worker" && name === "Chromium") {
            const worker = await tabs.browser.waitForTarget((target) => target.type() === "shared_worker");
            await (await worker.worker())?.close();
            const diedAt = counter.next;
            await Promise.all(others.map((page) => hears(page, diedAt + 100)));
          }
          const last = (await counter.stop()) - 1;
          await Promise.all(others.map((page) => hears(page, last)));
          for (const page of others) {
            assertEach(await ask(page, "seen"), last);
            assert.deepEqual(await ask(page, "gaps"), []);
            assert.deepEqual(await ask(page, "errors"), []);
          }
          await api.sessions(1);
          await until(() => tabs.front.upgraded.size === 1 && tabs.front.held.size === 0, () => `one connection, not ${tabs.front.upgraded.size}`, PATIENCE_MS);
          // The last one to say goodbye ends the session.
          await Promise.all(others.map((page) => ask(page, "comet.close()")));
          await until(async () => (await api.info()).sessions === 0, "the end of the session", 5_000);
        } finally {
          await tabs.close();
        }
      });
    });
  }
}
