/**
 * @file Eight tabs that share nothing, each at a host of its own name: more polls are held at once than a browser opens connections to one
 * host. `COMET_URL` names the server, `COMET_PAGE_PORT` a port P whose pages, those of http://localhost:P, it lets in.
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
const pagePort = Number(process.env.COMET_PAGE_PORT ?? 0);
const TABS = 8;
const PATIENCE_MS = 60_000;

for (const name of pagePort > 0 ? /** @type {(keyof typeof BROWSERS)[]} */ (Object.keys(BROWSERS)) : []) {
  describe(`tabs at hosts of their own, in ${name}`, () => {
    test("eight hold their polls at once, and are told of no other", { timeout: 120_000 }, async () => {
      const tabs = await openTabs(name, server, pagePort);
      try {
        const channel = `/wildcard/${name.toLowerCase()}${Date.now().toString(36)}`;
        const pages = [];
        for (let number = 0; number < TABS; number += 1) {
          const page = await tabs.open(`http://localhost:${pagePort}`, `http://*.localhost:${pagePort}${server.pathname}`);
          await page.evaluate((options) => window.tab.begin(options, true), { transports: ["long-polling"], remember: false });
          await page.evaluate((wanted) => window.tab.listen(wanted), channel);
          pages.push(page);
        }
        const hosts = () => [...tabs.front.held.values()];
        await until(() => hosts().length === TABS, () => `${TABS} polls, not ${hosts()}`, PATIENCE_MS);
        assert.equal(new Set(hosts()).size, TABS);
        assert.ok(hosts().every((host) => /^t[0-9a-f]{12}\.localhost:\d+$/.test(host)), `${hosts()}`);
        for (const number of [1, 2, 3]) await api.publish(channel, number);
        for (const page of pages) {
          await until(() => page.evaluate(() => window.tab.seen.length >= 3), "three", PATIENCE_MS);
          assert.deepEqual(await page.evaluate(() => [window.tab.seen, window.tab.errors]), [[1, 2, 3], []]);
        }
        await Promise.all(pages.map((page) => page.evaluate(() => window.tab.comet.close())));
      } finally {
        await tabs.close();
      }
    });
  });
}
