// What the judge of transports stands on: its table, the texts it sends, and the samples it starts proxies with.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { STORIES } from "../transports/stories.mjs";
import { pairs } from "../transports/switching.mjs";
import { chosen, onRoute, titleOf, TRANSPORTS } from "../transports/table.mjs";
import { largeText, strangeTexts } from "../transports/text.mjs";

const EVERY = [...new Set(TRANSPORTS.map(({ name }) => name))];

test("what the server announces is judged, and what it does not is a failure", () => {
  const all = chosen(EVERY);
  assert.deepEqual([all.run.length, all.left, all.missing], [TRANSPORTS.length, [], []]);
  const { run, left, missing } = chosen(EVERY.filter((name) => name !== "websocket"));
  assert.deepEqual([run.length, left, missing.map(titleOf)], [TRANSPORTS.length - 1, [], ["websocket"]]);
  const { left: nothing } = chosen([]);
  assert.ok(nothing.every(({ awaited }) => awaited));
  assert.deepEqual(chosen(EVERY, "websocket").run.map(titleOf), ["websocket"]);
  assert.deepEqual(chosen(EVERY, "pigeons"), { run: [], left: [], missing: [] });
});

test("no two transports and no two stories share a name", () => {
  for (const list of [TRANSPORTS.map(titleOf), STORIES.map(({ name }) => name)]) assert.equal(new Set(list).size, list.length);
});

test("every transport is moved to and from, once", () => {
  assert.equal(pairs(TRANSPORTS).length, EVERY.length * (EVERY.length - 1));
  assert.equal(pairs(TRANSPORTS, "iframe").length, 2 * (EVERY.length - 1));
  for (const name of EVERY) assert.ok(onRoute(TRANSPORTS, "nginx").some((transport) => transport.name === name), name);
});

test("large is more than a mebibyte, and strange has what parsers fall over", () => {
  assert.ok(Buffer.byteLength(largeText()) > 1 << 20);
  const all = strangeTexts().join("");
  for (const part of ["\u2028", "\0", "\u{1f600}", "</script>", "\r\n\r\n"]) assert.ok(all.includes(part), JSON.stringify(part));
  assert.ok(all.isWellFormed?.() ?? true);
});

test("the page gets the texts as their sources, which need nothing else", () => {
  for (const make of [largeText, strangeTexts]) assert.deepEqual(new Function(`return (${make})();`)(), make());
});

test("each sample has the lines that are changed in it", async () => {
  const { changed } = await import("../transports/route.mjs");
  for (const make of ["nginx", "haproxy"]) {
    const text = await changed(make, 4_001, 4_002);
    assert.ok(text.includes("127.0.0.1:4001") && text.includes("127.0.0.1:4002"));
    assert.equal(await readFile(new URL("../../docs/proxies/nginx.conf", import.meta.url), "utf8").then((sample) => sample === text), false);
  }
});
