/**
 * @file Takes the journeys that script nothing against a real server, in Node and in both browsers.
 * The server is named by `COMET_URL`, such as http://127.0.0.1:8000/cometd; without one the run fails. `COMET_PAGE_PORT` names a free
 * port P if the server lets in pages of http://localhost:P; three journeys are then taken from there, as a page of another site.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Comet } from "../../src/index.js";
import { BROWSERS, openBrowser } from "../browser.js";
import { journeys, take } from "../journey/journeys.js";
import { startFront } from "./front.js";

const address = process.env.COMET_URL;
if (!address) throw new Error("COMET_URL must name the server to test, such as http://127.0.0.1:8000/cometd");
const server = new URL(address);

describe("a real server, in Node", () => {
  const transports = ["websocket", "http-streaming", "long-polling"];
  for (const journey of journeys(transports, { scripted: false })) {
    test(journey.name, { timeout: 30_000 }, () => take(journey, { Comet, url: server.href, transports }));
  }
});

for (const name of Object.keys(BROWSERS)) {
  const front = await startFront(server);
  const browser = await openBrowser(name, `${front.url}/test/page.html?url=${encodeURIComponent(server.pathname)}`);
  describe(`a real server, in ${name}`, () => {
    after(async () => {
      await browser.close();
      await front.close();
    });
    for (const [index, journey] of browser.names.entries()) {
      test(journey, { timeout: 30_000 }, async () => {
        const failure = await browser.take(index);
        if (failure) throw new Error(failure);
      });
    }
  });
}

const pagePort = Number(process.env.COMET_PAGE_PORT ?? 0);
if (pagePort > 0) {
  const wanted = /^a publication reaches its publisher|^a long message|^a session (moves between|that moves)|^timed polls/;
  describe("a real server, for a page of another site", () => {
    /** @type {Awaited<ReturnType<typeof startFront>>} */
    let front;
    before(async () => {
      front = await startFront(server, pagePort);
    });
    after(() => front.close());
    for (const name of Object.keys(BROWSERS)) {
      test(`in ${name}`, { timeout: 60_000 }, async () => {
        const browser = await openBrowser(name, `http://localhost:${pagePort}/test/page.html?url=${encodeURIComponent(server.href)}`);
        try {
          const failures = [];
          for (const [index, journey] of browser.names.entries()) {
            const failure = wanted.test(journey) && (await browser.take(index));
            if (failure) failures.push(`${journey}: ${failure}`);
          }
          assert.deepEqual(failures, []);
        } finally {
          await browser.close();
        }
      });
    }
  });
}
