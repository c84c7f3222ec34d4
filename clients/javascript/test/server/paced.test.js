/**
 * @file Two services on one WebSocket to a real server: the reader of the one is stuck, the other goes on, and nothing is lost in the end.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Comet } from "../../src/index.js";
import { paced } from "../../src/paced.js";
import { until } from "../journey/check.js";
import { backend } from "./tabs.js";

const address = process.env.COMET_URL;
if (!address) throw new Error("COMET_URL must name the server to test, such as http://127.0.0.1:8000/cometd");
const server = new URL(address);
const api = backend(server);
const LIMIT = 100;
const ALL = 600;

test("a ticker that nobody reads delays no chat on the same wire, and is read to the end later", { timeout: 60_000 }, async () => {
  const room = `/paced/${Date.now().toString(36)}`;
  const comet = new Comet(server.href, { transports: ["websocket"], WebSocket: globalThis.WebSocket });
  try {
    const ticker = paced(comet, `${room}/ticker`, { limit: LIMIT });
    const gaps = [];
    ticker.addEventListener("gap", ({ detail }) => gaps.push(detail));
    const chat = [];
    await Promise.all([ticker.ready, comet.subscribe(`${room}/chat`, ({ data }) => chat.push(data)).ready]);
    let next = 0;
    // The wire is full of the ticker until it is stopped; from then on it carries the chat alone.
    for (; !ticker.paused && next < ALL / 2; next += 1) await api.publish(`${room}/ticker`, next);
    await until(() => ticker.paused, "the pause");
    for (; next < ALL; next += 1) {
      await api.publish(`${room}/ticker`, next);
      if (next % 100 === 0) await api.publish(`${room}/chat`, next);
    }
    await api.publish(`${room}/chat`, "last");
    await until(() => chat.at(-1) === "last", "the chat");
    assert.equal(ticker.paused, true);
    const seen = [];
    for await (const { data } of ticker) if (seen.push(data) === ALL) break;
    assert.deepEqual(seen, Array.from({ length: ALL }, (_, number) => number));
    assert.deepEqual(gaps, []);
  } finally {
    await comet.close();
  }
});
