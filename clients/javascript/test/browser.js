/**
 * @file The browsers a journey can be taken in, and how one is started, shown the test page, and asked to take a journey.
 * Needs the stock browsers of the system; a missing one is an error, not a skipped test.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer from "puppeteer-core";
import { CHROMIUM, FIREFOX } from "./browsers.js";

/** @type {Record<string, import("puppeteer-core").LaunchOptions>} */
export const BROWSERS = { Chromium: CHROMIUM, Firefox: FIREFOX };

/**
 * Opens a browser on the test page.
 * @param {keyof typeof BROWSERS} name
 * @param {string} address
 * @returns {Promise<{ page: import("puppeteer-core").Page, names: string[], take: (index: number) => Promise<string | undefined>, close: () => Promise<void> }>}
 *   `take` resolves with what went wrong, or with nothing.
 */
export async function openBrowser(name, address) {
  const profile = await mkdtemp(join(tmpdir(), "comet-browser-"));
  const browser = await puppeteer.launch({ ...BROWSERS[name], headless: true, userDataDir: profile });
  const page = await browser.newPage();
  await page.goto(address);
  await page.waitForFunction("window.names !== undefined");
  return {
    page,
    names: /** @type {string[]} */ (await page.evaluate("window.names")),
    take: (index) => /** @type {Promise<string | undefined>} */ (page.evaluate(`window.take(${index}).then(() => undefined, (error) => String(error) + "\\n" + error.stack)`)),
    close: async () => {
      await browser.close();
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
