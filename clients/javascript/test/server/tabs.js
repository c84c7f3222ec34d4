/**
 * @file Several tabs of one browser on one page, moved from Node: opened, asked, closed; and what the server says of them.
 * The page is `link.html`; publications come by the server's HTTP API, so that no other session is open.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer from "puppeteer-core";
import { BROWSERS } from "../browser.js";
import { until } from "../journey/check.js";
import { startFront } from "./front.js";

/** @param {keyof typeof BROWSERS} name @param {URL} server Its address, with the path of the mount. @param {number} [pagePort] Where the pages are served, if that matters. */
export async function openTabs(name, server, pagePort) {
  const front = await startFront(server, pagePort);
  const profile = await mkdtemp(join(tmpdir(), "comet-browser-"));
  const browser = await puppeteer.launch({ ...BROWSERS[name], headless: true, userDataDir: profile });
  /** @param {string} [origin] Where the page comes from. @param {string} [url] Where it connects to. */
  const open = async (origin = front.url, url = server.pathname) => {
    const page = await browser.newPage();
    await page.goto(`${origin}/test/link.html?url=${encodeURIComponent(url)}`);
    await page.waitForFunction("window.tab !== undefined");
    return page;
  };
  return {
    browser,
    front,
    open,
    close: async () => {
      await browser.close();
      await front.close();
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/**
 * The back end's side of a server.
 * @param {URL} server
 */
export function backend(server) {
  const call = async (path, body = {}) => {
    const response = await fetch(new URL(path, server), { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    return /** @type {Promise<any>} */ (response.json());
  };
  const info = () => call("/api/info");
  const publish = (channel, data) => call("/api/publish", { channel, data });
  return {
    info,
    publish,
    /** @param {number} count Waits until the server has so many sessions, those that time out included. */
    sessions: async (count) => {
      const counts = [];
      await until(async () => counts.push((await info()).sessions) && counts.at(-1) === count, () => `${count} sessions, not ${counts.at(-1)}`, 30_000);
    },
    /** Publishes 0, 1, 2 and so on, about a hundred a second. @param {string} channel */
    count: (channel) => {
      let [next, going] = [0, true];
      const run = async () => {
        while (going) {
          await publish(channel, next);
          next += 1;
          await new Promise((resolve) => setTimeout(resolve, 8));
        }
        return next;
      };
      const over = run();
      return {
        get next() {
          return next;
        },
        /** @returns {Promise<number>} How many there were. */
        stop: () => {
          going = false;
          return over;
        },
      };
    },
  };
}
