/**
 * @file A reader that does not keep up, with a stream that stops the server for it: by hand, and against the scripted server.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Comet } from "../src/index.js";
import { paced } from "../src/paced.js";
import { counting, settle } from "./hand.js";
import { until } from "./journey/check.js";
import { startScriptedServer } from "./scripted-server.js";

const position = (offset) => ({ position: { epoch: "e", offset } });
const event = (channel, offset) => ({ channel, data: offset, ext: position(offset) });

test("a stream whose reader is stuck gives up its subscription and makes it again from where it was", async () => {
  const { comet, WebSocket } = await counting();
  const stream = paced(comet, "/ticker", { limit: 4 });
  const told = [];
  for (const type of ["pause", "resume", "gap"]) stream.addEventListener(type, () => told.push(type));
  await settle();
  const socket = WebSocket.last;
  await socket.answer("/meta/subscribe", { subscription: "/ticker", ext: { time: 1 } });
  await stream.ready;
  for (const offset of [1, 2, 3]) await socket.receive(event("/ticker", offset));
  assert.equal(stream.paused, false);
  await socket.receive(event("/ticker", 4));
  assert.equal(stream.paused, true);
  assert.equal(socket.on("/meta/unsubscribe").length, 1);
  await socket.answer("/meta/unsubscribe", { subscription: "/ticker" });
  // What was on its way comes again when it is asked for.
  await socket.receive(event("/ticker", 5));
  assert.deepEqual([(await stream.next()).value?.data, socket.on("/meta/subscribe").length], [1, 1]);
  await stream.next();
  await settle();
  assert.deepEqual(socket.on("/meta/subscribe").at(-1).ext.since, { epoch: "e", offset: 4 });
  await socket.answer("/meta/subscribe", { subscription: "/ticker", ext: { time: 2, recovered: true } });
  await socket.receive(event("/ticker", 5));
  await socket.answer("/meta/connect", { ext: { time: 3 } });
  const rest = [];
  for (let count = 0; count < 3; count += 1) rest.push((await stream.next()).value?.data);
  assert.deepEqual(rest, [3, 4, 5]);
  assert.deepEqual(told, ["pause", "resume"]);
  await stream.return();
});

test("without positions there is nothing to go on from, and the reader is told", async () => {
  const { comet, WebSocket } = await counting();
  const stream = paced(comet, "/ticker", { limit: 2 });
  await settle();
  await WebSocket.last.answer("/meta/subscribe", { subscription: "/ticker", ext: {} });
  for (const data of [1, 2]) await WebSocket.last.receive({ channel: "/ticker", data });
  await stream.next();
  await stream.next();
  await assert.rejects(stream.next(), { code: "queue_full" });
  assert.equal((await stream.next()).done, true);
});

test("a stuck ticker crosses the wire no further, the chat beside it goes on, and nothing is lost in the end", { timeout: 30_000 }, async () => {
  const server = await startScriptedServer();
  const world = server.world("paced");
  const comet = new Comet(`${server.url}/cometd/paced`, { transports: ["websocket"] });
  try {
    const stream = paced(comet, "/ticker/*", { limit: 50 });
    const chat = [];
    await Promise.all([stream.ready, comet.subscribe("/chat", ({ data }) => chat.push(data)).ready]);
    for (let number = 0; number < 50; number += 1) world.publish("/ticker/a", number);
    await until(() => stream.paused && world.act("sessions", [])[0].names.join() === "/chat", "the pause");
    for (let number = 50; number < 500; number += 1) world.publish(`/ticker/${number % 2 ? "a" : "b"}`, number);
    world.publish("/chat", "still here");
    await until(() => chat.length === 1, "the chat");
    const seen = [];
    for await (const { data } of stream) if (seen.push(data) === 500) break;
    assert.deepEqual(seen.slice(0, 50), Array.from({ length: 50 }, (_, number) => number));
    for (const rest of [0, 1]) {
      const ofOne = seen.filter((number) => number >= 50 && number % 2 === rest);
      assert.deepEqual(ofOne, Array.from({ length: 225 }, (_, index) => 50 + rest + 2 * index));
    }
  } finally {
    await comet.close();
    await server.close();
  }
});
