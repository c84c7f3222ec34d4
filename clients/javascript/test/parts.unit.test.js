/**
 * @file Long batches of callback polling: how their text is cut, and how they are sent with scripts that the test answers.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Wire } from "../src/transport/callback-polling.js";
import { cut } from "../src/transport/parts.js";
import { HandClock, settle } from "./hand.js";

describe("a text cut into pieces", () => {
  for (const text of ["plain", "é".repeat(40), "\u2028\u{1F40E}x".repeat(30), "a\u{1F40E}%é".repeat(50)]) {
    test(`is the same when they are put together: ${JSON.stringify(text.slice(0, 8))}`, () => {
      const encoded = encodeURIComponent(text);
      for (let room = 12; room <= encoded.length + 1; room += 1) {
        const pieces = cut(encoded, room);
        assert.ok(pieces.every((piece) => piece.length <= room && piece.length > 0));
        // A piece that ends within a character would throw here.
        assert.equal(pieces.map(decodeURIComponent).join(""), text, `pieces of ${room}`);
      }
    });
  }
});

/** A transport whose scripts the test answers. */
function start() {
  const clock = new HandClock();
  /** @type {Record<string, any>} */
  const functions = {};
  /** @type {any[]} */
  const scripts = [];
  const document = /** @type {any} */ ({
    defaultView: functions,
    createElement: () => ({ remove() {} }),
    head: { append: (script) => scripts.push(script) },
  });
  /** @type {string[]} */
  const told = [];
  const reports = {
    onMessages: (messages) => told.push(`messages ${messages.length}`),
    onLost: (error, ids) => told.push(`lost ${error.code} ${ids}`),
    onDrain: () => told.push("drain"),
  };
  const transport = new Wire(/** @type {any} */ ({ url: "http://loopback/cometd", clock, document, reports, networkDelayMs: 1_000 }));
  const answer = async (value) => {
    const query = new URL(scripts.at(-1).src).searchParams;
    functions[query.get("jsonp") ?? ""](value ?? [{ parts: Number(query.get("part")?.split(".")[1]) + 1 }]);
    await settle();
    return query;
  };
  const long = JSON.stringify({ channel: "/a", id: "7", clientId: "c1", data: "x".repeat(5_000) });
  return { clock, functions, scripts, told, transport, answer, long };
}

describe("a long batch", () => {
  test("goes in parts, one after the other, each with a short address, and leaves one name behind, to be used again", async () => {
    const { scripts, told, transport, answer, long, functions, clock } = start();
    transport.send([{ id: "7", text: long }], false);
    await settle();
    const pieces = [];
    let place;
    do {
      const query = await answer();
      place = (query.get("part") ?? "").split(".").map(Number);
      assert.equal(query.get("client"), "c1");
      pieces.push(query.get("message"));
    } while (place[1] < place[2] - 2);
    const last = await answer([{ channel: "/a", id: "7", successful: true }]);
    pieces.push(last.get("message"));
    assert.ok(pieces.join("") === `[${long}]`, "the pieces make the batch");
    assert.equal(scripts.length, place[2]);
    assert.ok(scripts.every(({ src }) => src.length <= 2_000));
    assert.deepEqual(told.slice(0, 2), ["messages 1", "lost connection_lost 7"]);
    await clock.move(120_000);
    assert.equal(Object.keys(functions).length, 1);
  });

  test("is lost with any of its parts", async () => {
    for (const fail of [({ scripts }) => scripts.at(-1).onerror(), ({ answer }) => answer([{ parts: 9 }]), ({ answer }) => answer(false)]) {
      const started = start();
      started.transport.send([{ id: "7", text: started.long }], false);
      await settle();
      await started.answer();
      fail(started);
      await settle();
      assert.deepEqual([started.told[0], started.scripts.length], ["lost connection_lost 7", 2]);
    }
  });

  test("is not taken for silent while its parts are taken, and is when they are not", async () => {
    const { clock, told, transport, answer, long } = start();
    transport.send([{ id: "7", text: long }], false);
    await settle();
    await clock.move(900);
    await answer();
    await clock.move(100);
    transport.onSilence("7");
    await clock.move(800);
    assert.deepEqual(told, []);
    await clock.move(100);
    assert.equal(told[0], "lost timeout 7");
  });
});
