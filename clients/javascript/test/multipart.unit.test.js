/**
 * @file Multipart streams against a hand-moved clock and bodies that the test writes: parts in any pieces, and how streams end.
 * What a stream means for the session is told in `streaming.unit.test.js`; the browsers' own readers meet a real server elsewhere.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MultipartBody, boundaryOf } from "../src/transport/multipart-body.js";
import { advice, COUNTS, start } from "./hand.js";

const BOUNDARY = "0123456789abcdef0123456789abcdef";
const MEDIA = `multipart/x-mixed-replace; boundary=${BOUNDARY}`;
const bytes = (/** @type {string} */ text) => new TextEncoder().encode(text);
/** One part as the server writes it, with the boundary behind it. */
const part = (/** @type {any[]} */ messages, end = "\r\n") => {
  const body = JSON.stringify(messages);
  return `Content-Type: application/json\r\nContent-Length: ${bytes(body).length}\r\n\r\n${body}\r\n--${BOUNDARY}${end}`;
};
const event = (/** @type {any} */ data, /** @type {number} */ offset) => ({ channel: "/a", data, ext: { position: { epoch: "e", offset } } });

/** What a body says, added in pieces of a length. */
function read(/** @type {string} */ text, length = text.length) {
  const parts = /** @type {string[]} */ ([]);
  const body = new MultipartBody(BOUNDARY, (each) => parts.push(each));
  for (let from = 0; from < text.length; from += length) body.add(text.slice(from, from + length));
  return parts;
}

/** A client whose session is in a multipart stream, and who listens to /a. */
async function streaming(options = {}) {
  const started = start({ transports: ["multipart"], ...options });
  const { requests, comet } = started;
  const heard = /** @type {any[]} */ ([]);
  comet.subscribe("/a", ({ data }) => heard.push(data));
  // The module of the transport is loaded first.
  while (requests.length === 0) await new Promise((done) => setTimeout(done, 1));
  const said = { successful: true, clientId: "c1", supportedConnectionTypes: ["multipart"], advice, ext: COUNTS };
  await requests[0].answer([{ channel: "/meta/handshake", id: requests[0].messages[0].id, ...said }]);
  const at = (/** @type {string} */ channel) => requests.filter(({ messages }) => messages[0].channel === channel);
  const reply = (/** @type {any} */ request, fields = {}) => ({ channel: request.messages[0].channel, id: request.messages[0].id, successful: true, advice, ...fields });
  const connects = () => at("/meta/connect");
  await connects()[0].answer([reply(connects()[0])]);
  await at("/meta/subscribe")[0].answer([{ ...reply(at("/meta/subscribe")[0]), subscription: "/a" }]);
  const open = async () => {
    const request = connects().at(-1);
    const stream = await request.stream(MEDIA);
    await stream.write(`--${BOUNDARY}\r\n${part([reply(request)])}`);
    return stream;
  };
  const close = async () => {
    const closing = comet.close();
    await started.clock.move(10_000);
    await closing;
  };
  return { ...started, heard, connects, open, reply, close };
}

describe("the body of a multipart answer", () => {
  const said = [[event("\u2028\u{1f680}\0é", 1)], [], [event(`\n--${BOUNDARY}`, 2), event(2, 3)]];
  const text = `--${BOUNDARY}\r\n${said.map((messages, index) => part(messages, index === 2 ? "--\r\n" : "\r\n")).join("")}`;

  test("it may come in pieces that end anywhere", () => {
    for (let length = 1; length <= text.length; length += 1) {
      assert.deepEqual(read(text, length).map((each) => JSON.parse(each)), said, `pieces of ${length}`);
    }
  });

  test("a part is read as soon as the boundary behind it is there", () => {
    const parts = /** @type {string[]} */ ([]);
    const body = new MultipartBody(BOUNDARY, (each) => parts.push(each));
    body.add(`--${BOUNDARY}\r\n${part([1], "")}`);
    assert.deepEqual(parts, ["[1]"]);
  });

  test("what stands in front of the first boundary and behind the last is no part", () => {
    assert.deepEqual(read(`a preamble\r\n--${BOUNDARY}\r\n${part([1], "--\r\n")}an epilogue\r\n--${BOUNDARY}\r\n${part([2])}`), ["[1]"]);
  });

  test("fields may be named in any case, be others, or be none at all", () => {
    assert.deepEqual(read(`--${BOUNDARY}\r\nX-Seq: 7\r\ncontent-length:3\r\n\r\n[1]\r\n--${BOUNDARY}\r\n\r\n[2]\r\n--${BOUNDARY}\r\n`), ["[1]", "[2]"]);
  });

  test("a part that is shorter or longer than it says, or has no fields' end, is refused", () => {
    for (const wrong of ["Content-Length: 4\r\n\r\n[1]", "Content-Length: 2\r\n\r\n[1]", "Content-Length: 3"]) {
      assert.throws(() => read(`--${BOUNDARY}\r\n${wrong}\r\n--${BOUNDARY}\r\n`), { code: "connection_lost" }, wrong);
    }
  });

  test("the boundary is found in a media type, and in no other", () => {
    const types = ["multipart/x-mixed-replace;boundary=abc", 'Multipart/X-Mixed-Replace; charset=utf-8; boundary="abc"; a=b', "multipart/form-data; boundary=abc", "application/json", ""];
    assert.deepEqual(types.map(boundaryOf), ["abc", "abc", undefined, undefined, undefined]);
  });
});

describe("multipart streams", () => {
  test("the second connect opens a stream, whose parts are heard as they come, in pieces too", async () => {
    const { heard, connects, open, comet, close } = await streaming();
    const stream = await open();
    await stream.write(part([event(1, 1), event(2, 2)]));
    await stream.write(part([]));
    for (const byte of bytes(part([event("\u2028\u{1f680}\0", 3)]))) await stream.write(Uint8Array.of(byte));
    assert.deepEqual([heard, connects().length, comet.state, comet.transport], [[1, 2, "\u2028\u{1f680}\0"], 2, "connected", "multipart"]);
    assert.deepEqual(connects().map(({ messages: [{ connectionType }] }) => connectionType), ["multipart", "multipart"]);
    await close();
  });

  test("a stream that ends with a last word is followed by the next, which goes on where the client is", async () => {
    const { heard, connects, open, states, close } = await streaming();
    const stream = await open();
    await stream.write(part([event(1, 1), event(2, 2)]));
    await stream.write(part([{ channel: "/meta/connect", successful: true, advice }], "--\r\n"));
    await stream.end();
    assert.deepEqual(connects().at(-1).messages[0].ext.received, 2);
    const next = await open();
    await next.write(part([event(3, 3)]));
    assert.deepEqual([heard, connects().length, states], [[1, 2, 3], 3, ["connected"]]);
    await close();
  });

  test("what a cut part did not bring comes with the next stream", async () => {
    const { heard, connects, open, clock, states, reply, close } = await streaming();
    const stream = await open();
    await stream.write(part([event(1, 1)]));
    await stream.write(part([event(2, 2)]).slice(0, -10));
    await stream.cut();
    assert.equal(states.at(-1), "waiting");
    await clock.move(250);
    const again = connects().at(-1);
    assert.equal(again.messages[0].ext.received, 1);
    await again.answer([event(2, 2), reply(again)]);
    assert.deepEqual(heard, [1, 2]);
    await close();
  });

  test("a stream that is silent, as behind a proxy that keeps it back, is given up; empty parts are signs of life", async () => {
    const { connects, open, clock, errors, close } = await streaming();
    const stream = await open();
    for (const beat of [1_000, 19_000]) {
      await clock.move(beat);
      await stream.write(part([]));
    }
    await clock.move(34_999);
    assert.deepEqual([connects()[1].aborted(), errors], [false, []]);
    await clock.move(1);
    assert.deepEqual([connects()[1].aborted(), errors], [true, ["timeout"]]);
    await close();
  });

  test("a part that was spoilt on its way ends the stream", async () => {
    const { heard, open, states, close } = await streaming();
    const stream = await open();
    await stream.write(part([event(1, 1)]).replace("[", "[ "));
    assert.deepEqual([heard, states.at(-1)], [[], "waiting"]);
    await close();
  });

  test("a server that gives no stream has answered as a poll", async () => {
    const { heard, connects, reply, close } = await streaming();
    const [, request] = connects();
    await request.answer([event(1, 1), reply(request)]);
    assert.deepEqual([heard, connects().length], [[1], 3]);
    await close();
  });
});
