// Work that is done side by side. A job has servers and a way to them of its own, so that one may kill its server while others count
// messages; a worker has a browser of its own, in which one page is open at a time, for browsers slow down pages behind others.

import puppeteer from "puppeteer-core";
import { CHROMIUM, FIREFOX } from "../../clients/javascript/test/browsers.js";
import { openRoute } from "./route.mjs";
import { startServer } from "./server.mjs";

export const START = { chromium: CHROMIUM, firefox: FIREFOX };

/** Both kinds of server, or one, and the ways to them. */
async function open(program, { kinds, route }, origins) {
  const servers = {};
  try {
    for (const kind of kinds) {
      const place = await startServer(program, kind, { origins });
      servers[kind] = { place };
      servers[kind].way = await openRoute(route, place);
    }
  } catch (error) {
    await shut(servers);
    throw error;
  }
  return servers;
}

async function shut(servers) {
  for (const { place, way } of Object.values(servers)) {
    await way?.close();
    await place.close();
  }
}

/**
 * @typedef {object} Job
 * @property {string} route
 * @property {Iterable<"roomy" | "tight">} kinds of server that it needs
 * @property {(browser: import("puppeteer-core").Browser, servers: Record<string, { place: object, way: object }>) => Promise<void>} act
 */

/**
 * Does all jobs of one browser.
 *
 * @param {"chromium" | "firefox"} name
 * @param {Job[]} jobs
 * @param {{ program: string, width: number, origins: string[] }} world how many workers there are, and which sites may talk to the servers
 */
export async function work(name, jobs, { program, width, origins }) {
  const waiting = [...jobs];
  const worker = async () => {
    let browser;
    try {
      for (let job = waiting.shift(); job; job = waiting.shift()) {
        if (!browser?.connected) browser = await puppeteer.launch(START[name]);
        const servers = await open(program, job, origins);
        await job.act(browser, servers).finally(() => shut(servers));
      }
    } finally {
      await browser?.close();
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, jobs.length) }, worker));
}
