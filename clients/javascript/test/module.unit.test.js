/**
 * @file Parts of the client that cannot be loaded: browsers may remember that for as long as the page lives.
 * Loading fails by a hook of Node, which holds for this file alone.
 */
import assert from "node:assert/strict";
import { register } from "node:module";
import { test } from "node:test";
import { settle, start } from "./hand.js";

const HOOK = `export async function resolve(name, context, next) {
  if (/\\/(callback-polling|move)\\.js$/.test(name)) throw new Error("there is no network");
  return next(name, context);
}`;
register(`data:text/javascript,${encodeURIComponent(HOOK)}`);

test("a transport that cannot be loaded does not keep the others from being tried again", async () => {
  const document = /** @type {any} */ ({ createElement: () => ({}), baseURI: "http://loopback/" });
  const { comet, clock, WebSocket, errors } = start({ transports: ["websocket", "callback-polling"], document });
  await new Promise((resolve) => setTimeout(resolve, 0));
  await WebSocket.last.end(1006);
  // The hook answers from a thread of its own.
  while (!errors.includes("transport_failed") || comet.state !== "waiting") await new Promise((resolve) => setTimeout(resolve, 5));
  const { made } = WebSocket;
  const tries = made.length;
  await clock.move(1_000);
  assert.equal(made.length, tries + 1, "the WebSocket gets another chance");
  await WebSocket.last.welcome();
  assert.equal(comet.transport, "websocket");
});

test("a move that cannot be loaded is refused, and the session stays where it is", async () => {
  const { comet, WebSocket, errors } = start({ transports: ["websocket", "long-polling"] });
  await settle();
  await WebSocket.last.welcome();
  await assert.rejects(comet.switchTransport("long-polling"), { code: "transport_failed" });
  assert.deepEqual([comet.transport, errors], ["websocket", []]);
});
