/**
 * @file The journeys of a plain client taken by a client whose host is in its own page, in Node: what is promised by the one is kept by
 * the other. What several tabs do together is in `link/`, and needs a browser.
 */
import { after, before, describe, test } from "node:test";
import { SharedComet } from "../src/link.js";
import { journeys, take } from "./journey/journeys.js";
import { startScriptedServer } from "./scripted-server.js";

const transports = ["websocket"];

describe("over a link", () => {
  /** @type {Awaited<ReturnType<typeof startScriptedServer>>} */
  let server;
  before(async () => {
    server = await startScriptedServer();
  });
  after(() => server.close());

  for (const [index, journey] of journeys(transports, { scripted: true }).entries()) {
    test(journey.name, { timeout: 30_000 }, async () => {
      const world = server.world(`world${index}`);
      const act = async (name, ...args) => structuredClone(world.act(name, args));
      const Comet = /** @type {any} */ (SharedComet);
      await take(journey, { Comet, url: `${server.url}/cometd/world${index}`, transports, act });
    });
  }
});
