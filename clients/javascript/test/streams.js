/**
 * @file A page of a browser that hears all that a scripted server of streams has for it, and what it has seen then.
 * What is to be found in that is the test's own business; that nothing stays behind when the client is closed is looked at here.
 */
import assert from "node:assert/strict";
import { startStreamServer } from "./scripted-streams.js";

/**
 * @param {import("puppeteer-core").Browser} browser
 * @param {import("./scripted-streams.js").Script} script
 * @param {(port: number) => string} query Of the page's address.
 * @param {(seen: any, streams: import("./scripted-streams.js").Seen[], page: import("puppeteer-core").Page) => unknown} judge
 */
export async function hearAll(browser, script, query, judge) {
  const server = await startStreamServer(script);
  const page = await browser.newPage();
  try {
    await page.goto(`http://a.comet.localhost:${server.port}/test/stream.html?${query(server.port)}`);
    await page.waitForFunction(`told.numbers >= ${script.events}`, { timeout: 60_000 });
    await judge(await page.evaluate("look()"), server.streams, page);
    await page.evaluate("comet.close()");
    assert.equal((/** @type {any} */ (await page.evaluate("look()"))).left, 0, "no frame is left");
    // The server has seen each of them end.
    await Promise.all(server.streams.map(({ ended }) => ended));
  } finally {
    await page.close();
    await server.close();
  }
}

/** The query of a page whose server is on another host. @param {number} port */
export function elsewhere(port) {
  return `url=${encodeURIComponent(`http://b.comet.localhost:${port}/cometd`)}`;
}
