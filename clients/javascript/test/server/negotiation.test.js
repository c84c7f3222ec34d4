/**
 * @file Takes the journeys through a misbehaving network to a real server, in Node and in both browsers, and lets pages go and come back.
 * The server is named by `COMET_URL`, as for `integration.test.js`.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Comet } from "../../src/index.js";
import { BROWSERS, openBrowser } from "../browser.js";
import { sleep, until } from "../journey/check.js";
import { negotiationJourneys, takeNegotiation } from "../journey/negotiation.js";
import { startFaultyFront } from "./faulty.js";

const address = process.env.COMET_URL;
if (!address) throw new Error("COMET_URL must name the server to test, such as http://127.0.0.1:8000/cometd");
const server = new URL(address);
const LIMIT = { timeout: 90_000 };
/** How long anything may take on a machine that has much else to do. */
const PATIENCE_MS = 40_000;
const browsers = [];
for (const name of Object.keys(BROWSERS)) {
  const front = await startFaultyFront(server);
  const address = `${front.url}/test/faulty.html?url=${encodeURIComponent(server.pathname)}`;
  browsers.push({ name, front, browser: await openBrowser(name, address) });
}

describe("a network that misbehaves", { concurrency: 3 }, () => {
  describe("in Node", { concurrency: 1 }, () => {
    /** @type {Awaited<ReturnType<typeof startFaultyFront>>} */
    let front;
    before(async () => {
      front = await startFaultyFront(server);
    });
    after(() => front.close());
    for (const journey of negotiationJourneys) {
      test(journey.name, LIMIT, () => {
        const fault = async (wanted) => (await fetch(`${front.url}/fault`, { method: "POST", body: wanted ? JSON.stringify(wanted) : "" })).json();
        return takeNegotiation(journey, { Comet, url: front.url + server.pathname, directUrl: `${front.url}/direct${server.pathname}`, fault });
      });
    }
  });

  for (const { name, front, browser } of browsers) {
    describe(`in ${name}`, { concurrency: 1 }, () => {
      after(async () => {
        await browser.close();
        await front.close();
      });
      for (const [index, journey] of browser.names.entries()) {
        test(journey, LIMIT, async () => {
          const failure = await browser.take(index);
          if (failure) throw new Error(failure);
        });
      }
      test("a tab behind another hears everything, at once", LIMIT, () => hideAndShow(browser.page, front.url));
      // Firefox, as it is driven here, puts no page aside, and nobody can freeze its pages or count what they hold.
      if (name !== "Chromium") return;
      for (const awayMs of [0, 11_000]) {
        test(`a page that is put aside for ${awayMs / 1_000} seconds and more hears everything when it is back`, LIMIT, () => leaveAndReturn(browser.page, front.url, awayMs));
      }
      test("a tab that is frozen hears everything when it thaws", LIMIT, () => freezeAndThaw(browser.page, front.url));
      test("a hundred wires that died leave nothing behind", LIMIT, () => wearOut(browser.page, front.url));
    });
  }
});

/**
 * Opens a client in the page that listens, and publishes numbers to it from elsewhere.
 * @param {import("puppeteer-core").Page} page
 * @param {(publish: () => Promise<unknown>, hears: () => Promise<unknown>) => Promise<void>} run
 */
async function withListener(page, run) {
  const channel = `/away/${Date.now().toString(36)}`;
  await page.evaluate(`(async () => {
    window.heard = [];
    window.client = new Comet(${JSON.stringify(server.pathname)}, { remember: false });
    await client.subscribe("${channel}", ({ data }) => heard.push(data)).ready;
  })()`);
  const publisher = new Comet(server.href, { transports: ["long-polling"] });
  let last = 0;
  const publish = () => publisher.publish(channel, (last += 1));
  const hears = async () => {
    await page.waitForFunction(`heard.length >= ${last} && client.state === "connected"`, { polling: 50, timeout: PATIENCE_MS });
    assert.deepEqual(await page.evaluate("heard"), Array.from({ length: last }, (_, index) => index + 1));
  };
  try {
    await publish();
    await hears();
    await run(publish, hears);
    await page.evaluate("client.close()");
  } finally {
    await publisher.close();
  }
}

/**
 * Goes to another page and back.
 * @param {import("puppeteer-core").Page} page
 * @param {string} origin
 * @param {number} awayMs After ten seconds the server has forgotten the session.
 */
function leaveAndReturn(page, origin, awayMs) {
  return withListener(page, async (publish, hears) => {
    await page.goto(`${origin}/test/away.html`);
    await publish();
    await sleep(awayMs);
    await publish();
    await page.goBack();
    await page.waitForFunction("window.names !== undefined");
    assert.ok(await page.evaluate("window.heard !== undefined"), "the page was put aside, not loaded anew");
    await publish();
    await hears();
  });
}

/**
 * @param {import("puppeteer-core").Page} page
 * @param {string} origin
 * @param {(publish: () => Promise<unknown>, hears: () => Promise<unknown>) => Promise<void>} run While another tab is shown.
 */
async function behindAnother(page, origin, run) {
  await withListener(page, async (publish, hears) => {
    const other = await page.browser().newPage();
    try {
      await other.goto(`${origin}/test/away.html`);
      await other.bringToFront();
      await page.waitForFunction("document.visibilityState === 'hidden'", { polling: 50 });
      await run(publish, hears);
    } finally {
      await other.close();
      await page.bringToFront();
    }
    await page.waitForFunction("document.visibilityState === 'visible'", { polling: 50 });
    await publish();
    await hears();
  });
}

/** @param {import("puppeteer-core").Page} page @param {string} origin */
function hideAndShow(page, origin) {
  return behindAnother(page, origin, async (publish, hears) => {
    await publish();
    await publish();
    await hears();
  });
}

/** @param {import("puppeteer-core").Page} page @param {string} origin */
function freezeAndThaw(page, origin) {
  return behindAnother(page, origin, async (publish, hears) => {
    const session = await page.createCDPSession();
    await page.evaluate("document.addEventListener('freeze', () => (window.frozen = true), { once: true }), undefined");
    await session.send("Page.setWebLifecycleState", { state: "frozen" });
    await publish();
    await publish();
    await session.send("Page.setWebLifecycleState", { state: "active" });
    await session.detach();
    await page.waitForFunction("window.frozen", { polling: 50 });
    await publish();
    await hears();
  });
}

/**
 * Kills one wire after the other.
 * @param {import("puppeteer-core").Page} page
 * @param {string} origin
 */
async function wearOut(page, origin) {
  const fault = async (/** @type {object | undefined} */ wanted) => (await fetch(`${origin}/fault`, { method: "POST", body: wanted ? JSON.stringify(wanted) : "" })).json();
  const session = await page.createCDPSession();
  const held = async () => {
    await session.send("HeapProfiler.collectGarbage");
    const { JSEventListeners: listeners, Nodes: nodes } = await page.metrics();
    return { listeners, nodes };
  };
  await fault({ killMs: 20 });
  try {
    await page.evaluate(`(async () => {
      window.client = new Comet(${JSON.stringify(server.pathname)}, { transports: ["websocket"], backoffBaseMs: 1, backoffCapMs: 5, remember: false });
      await client.subscribe("/worn/out", () => {}).ready;
    })()`);
    await until(async () => (await fault()).cuts >= 20, "twenty deaths", PATIENCE_MS);
    const before = await held();
    await until(async () => (await fault()).cuts >= 120, "a hundred more", PATIENCE_MS);
    const after = await held();
    assert.ok(after.listeners <= before.listeners + 10 && after.nodes <= before.nodes + 10, `${JSON.stringify(before)} before, ${JSON.stringify(after)} after`);
  } finally {
    await fault({});
    await page.evaluate("client.close()");
    await session.detach();
  }
}
