/**
 * @file The player of the Flash transport against a hand-moved clock, a page of one list, and a movie that comes when the test says so.
 */
import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { borrowStage } from "../src/transport/flash/stage.js";
import { HandClock, settle } from "./hand.js";

const realFetch = globalThis.fetch;

/** A page with a player whose movie is ready as soon as it is loaded, and `movie` to let it come. */
function start() {
  const clock = new HandClock();
  /** @type {any[]} */
  const shown = [];
  let movie = () => {};
  globalThis.fetch = /** @type {any} */ (() => new Promise((resolve) => (movie = () => resolve(new Response("FWS")))));
  const createPlayer = () => {
    let told = (/** @type {string} */ _command, /** @type {string} */ _args) => {};
    const ruffle = { addFSCommandHandler: (/** @type {any} */ handler) => (told = handler), load: async () => told("ready", ""), callExternalInterface: () => true };
    const player = { style: {}, setAttribute: () => {}, ruffle: () => ruffle, remove: () => shown.splice(shown.indexOf(player), 1) };
    return player;
  };
  const document = { baseURI: "http://loopback/", body: { append: (/** @type {any} */ player) => shown.push(player) }, defaultView: { RufflePlayer: { newest: () => ({ createPlayer }) } } };
  // Stages are kept for each address, and the tests are to have one each.
  const url = `http://loopback/${Math.random()}`;
  const borrow = () => borrowStage(/** @type {any} */ ({ clock, document, url }));
  const come = async () => {
    movie();
    await new Promise((done) => setTimeout(done, 5));
    await settle();
  };
  return { clock, shown, borrow, come };
}

describe("the player", () => {
  afterEach(() => {
    globalThis.fetch = realFetch;
  });

  test("stays a while when nobody needs it, and then leaves the page", async () => {
    const { clock, shown, borrow, come } = start();
    const borrowed = borrow();
    await come();
    (await borrowed).release();
    assert.equal(shown.length, 1);
    await clock.move(30_000);
    assert.equal(shown.length, 0);
  });

  test("is not shown when it comes after everybody has given up", async () => {
    const { clock, shown, borrow, come } = start();
    const refused = assert.rejects(borrow(), { code: "transport_failed" });
    await clock.move(60_000);
    await refused;
    await come();
    assert.equal(shown.length, 0);
  });

  test("comes for who still waits when another has given up, and leaves with the last", async () => {
    const { clock, shown, borrow, come } = start();
    const refused = assert.rejects(borrow(), { code: "transport_failed" });
    await clock.move(50_000);
    const patient = borrow();
    await clock.move(10_000);
    await refused;
    await come();
    const line = await patient;
    assert.equal(shown.length, 1);
    line.release();
    await clock.move(30_000);
    assert.equal(shown.length, 0);
  });
});
