// Opens the browsers a journey goes through. A journey is the file `journey.mjs` of an application: it imports
// `journey` from here and is run by `cargo xtask test` against a gallery whose address is in COMET_ORIGIN.

import { test } from "node:test";
import puppeteer from "puppeteer-core";
import { CHROMIUM, FIREFOX } from "../clients/javascript/test/browsers.js";

const BROWSERS = { chromium: CHROMIUM, firefox: FIREFOX };
const JOURNEY_TIMEOUT_MS = 120_000;

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
