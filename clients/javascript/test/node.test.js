/**
 * @file Takes every journey in Node, against the scripted server.
 */
import { after, before, describe, test } from "node:test";
import { Comet } from "../src/index.js";
import { journeys, take } from "./journey/journeys.js";
import { startScriptedServer } from "./scripted-server.js";

const transports = ["websocket", "long-polling"];

describe("in Node", () => {
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
      await take(journey, { Comet, url: `${server.url}/cometd/world${index}`, transports, act });
    });
  }
});
