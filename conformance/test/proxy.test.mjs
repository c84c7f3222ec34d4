// The proxy that makes trouble, held against what it promises: trouble when asked, none before and after, and the same
// decisions from the same seed.

import assert from "node:assert/strict";
import { connect, createServer } from "node:net";
import { test } from "node:test";
import { CuttingProxy } from "../trouble/proxy.mjs";
import { Random } from "../trouble/random.mjs";

/** A server that says everything back, and a proxy before it. */
async function echo(seed) {
  const server = createServer((socket) => socket.on("error", () => {}).pipe(socket));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const proxy = new CuttingProxy(new URL(`http://127.0.0.1:${server.address().port}`), new Random(seed));
  const port = await proxy.open();
  const close = () => (proxy.close(), server.close());
  return { proxy, port, close };
}

test("a seed repeats its decisions, and another makes others", () => {
  const draw = (seed) => Array.from({ length: 20 }, ((random) => () => random.between(1, 1_000))(new Random(seed)));
  assert.deepEqual(draw(7), draw(7));
  assert.notDeepEqual(draw(7), draw(8));
  assert.ok(draw(7).every((number) => number >= 1 && number <= 1_000));
});

test("without trouble everything passes", async () => {
  const { proxy, port, close } = await echo(1);
  const socket = connect(port, "127.0.0.1");
  socket.write("through");
  const [heard] = await new Promise((resolve) => socket.once("data", (bytes) => resolve([String(bytes)])));
  assert.equal(heard, "through");
  assert.equal(proxy.total, 0);
  socket.destroy();
  close();
});

test("with trouble connections end, and the count says how often", async () => {
  const { proxy, port, close } = await echo(2);
  proxy.trouble(1, 20);
  for (let round = 0; round < 8; round++) {
    const socket = connect(port, "127.0.0.1").on("error", () => {});
    socket.write("x");
    await new Promise((resolve) => socket.once("close", resolve).resume());
  }
  proxy.calm();
  assert.ok(proxy.total >= 8, JSON.stringify(proxy.cuts));
  close();
});

test("a connection that has lost bytes brings no later ones", async () => {
  for (let seed = 1; seed <= 40; seed++) {
    // Numbered lines of eight bytes, a chunk each, while one strike follows the other.
    const server = createServer((socket) => {
      let number = 0;
      const timer = setInterval(() => socket.write(`${String(number++).padStart(7, "0")}\n`), 1);
      socket.on("error", () => {}).on("close", () => clearInterval(timer));
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    const proxy = new CuttingProxy(new URL(`http://127.0.0.1:${server.address().port}`), new Random(seed));
    const port = await proxy.open();
    let text = "";
    const socket = connect(port, "127.0.0.1").on("error", () => {});
    socket.on("data", (bytes) => (text += bytes));
    socket.once("connect", () => proxy.trouble(1, 10));
    await new Promise((resolve) => socket.once("close", resolve));
    const numbers = text.split("\n").slice(0, -1).map(Number);
    assert.deepEqual(numbers, numbers.map((_, index) => index));
    proxy.close();
    server.close();
  }
});
