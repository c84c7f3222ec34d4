// Opens the browsers a journey goes through. A journey is the file `journey.mjs` of an application: it imports
// `journey` from here and is run by `cargo xtask test` against a gallery whose address is in COMET_ORIGIN. Pictures are
// kept where COMET_SCREENSHOTS says.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import puppeteer from "puppeteer-core";
import { CHROMIUM, FIREFOX } from "../clients/javascript/test/browsers.js";

const BROWSERS = { chromium: CHROMIUM, firefox: FIREFOX };
const JOURNEY_TIMEOUT_MS = 120_000;
const PICTURES = process.env.COMET_SCREENSHOTS ?? fileURLToPath(new URL("../target/screenshots", import.meta.url));

/**
 * Keeps a picture of the page.
 *
 * @param {import("puppeteer-core").Page} page
 * @param {string} name of the file, without its ending
 * @param {import("puppeteer-core").ScreenshotOptions} [options]
 */
export async function picture(page, name, options = {}) {
  await mkdir(PICTURES, { recursive: true });
  await page.screenshot({ ...options, path: `${PICTURES}/${name}.png` });
}

/**
 * Fails when the page is wider than its window.
 *
 * @param {import("puppeteer-core").Page} page
 */
export async function assertFits(page) {
  const { wanted, there } = await page.evaluate(() => ({
    wanted: document.documentElement.scrollWidth,
    there: window.innerWidth,
  }));
  assert.ok(wanted <= there, `the page is ${wanted} px wide in a window of ${there} px`);
}

/**
 * Tells a journey once in every browser.
 *
 * @param {string} name a sentence: what the people in the journey see
 * @param {(here: { origin: string, browser: string, visit: (path: string) => Promise<import("puppeteer-core").Page> }) => Promise<void>}
 *   tell does the journey; each `visit` is another person, with cookies and storage of their own
 */
export function journey(name, tell) {
  const origin = process.env.COMET_ORIGIN;
  if (!origin) throw new Error("COMET_ORIGIN has to name a running gallery, such as http://127.0.0.1:8000");
  for (const [kind, options] of Object.entries(BROWSERS)) {
    test(`${name} (${kind})`, { timeout: JOURNEY_TIMEOUT_MS }, async () => {
      const browser = await puppeteer.launch(options);
      const faults = [];
      const visit = async (path) => {
        const page = await (await browser.createBrowserContext()).newPage();
        page.on("pageerror", (error) => faults.push(error.message));
        await page.goto(new URL(path, origin).href);
        return page;
      };
      try {
        await tell({ origin, visit, browser: kind });
      } finally {
        await browser.close();
      }
      if (faults.length > 0) throw new Error(`the page failed: ${faults.join("; ")}`);
    });
  }
}
