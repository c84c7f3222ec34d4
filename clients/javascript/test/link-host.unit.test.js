/**
 * @file A host and its tabs, each tab a hand that speaks the words of the port; the server is the scripted one. What is said by the
 * one session is read in the server's journal.
 */
import assert from "node:assert/strict";
import { after, before, beforeEach, afterEach, describe, test } from "node:test";
import { Host } from "../src/link/host.js";
import { directPorts } from "../src/link/port.js";
import { until } from "./journey/check.js";
import { startScriptedServer } from "./scripted-server.js";

/** Deliveries that a tab may leave lying. */
const CREDIT = 1_000;

let lastTab = 0;

/** A tab at a host, moved by hand. */
class HandTab {
  name = `tab${(lastTab += 1)}`;
  /** @type {any[]} */
  words = [];
  /** @type {any[]} */
  messages = [];
  frames = 0;
  #port;
  #lastId = 0;

  constructor(host) {
    const [ours, theirs] = directPorts();
    host.attach(theirs);
    this.#port = ours;
    ours.onWord = (/** @type {any} */ word) => {
      this.words.push(word);
      if (word.word !== "frame") return;
      this.frames += 1;
      this.messages.push(...JSON.parse(word.text));
    };
    ours.start();
  }

  post(word) {
    this.#port.post(word);
  }

  /** Sends a message and waits for its reply. */
  async ask(channel, fields = {}) {
    const id = String((this.#lastId += 1));
    this.post({ word: "frame", text: JSON.stringify([{ channel, id, ...fields }]) });
    await until(() => this.reply(id), `the reply on ${channel}`);
    return this.reply(id);
  }

  reply(id) {
    return this.messages.find((message) => message.id === id && message.successful !== undefined && !("data" in message));
  }

  async begin(url, options = {}, secret = false) {
    this.post({ word: "hello", tab: this.name, url, options: { transports: ["websocket"], backoffBaseMs: 20, ...options }, secret });
    const reply = await this.ask("/meta/handshake");
    if (reply.successful) await this.ask("/meta/connect", { advice: { timeout: 0 } });
    return reply;
  }

  /** What has come on a channel. */
  on(channel) {
    return this.messages.filter((message) => message.channel === channel && "data" in message).map(({ data }) => data);
  }

  has(word) {
    return this.words.some((each) => each.word === word);
  }
}

describe("a host", () => {
  /** @type {Awaited<ReturnType<typeof startScriptedServer>>} */
  let server;
  let world;
  let host;
  let url;
  let lastWorld = 0;
  before(async () => {
    server = await startScriptedServer();
  });
  after(() => server.close());
  beforeEach(() => {
    const name = `link${(lastWorld += 1)}`;
    world = server.world(name);
    url = `${server.url}/cometd/${name}`;
    host = new Host({ watch: () => () => {} });
  });
  afterEach(() => host.close());

  const sent = (channel) => world.journal.filter((message) => message.channel === channel);

  test("asks the server once for what two tabs want, and tells both", async () => {
    const tabs = [new HandTab(host), new HandTab(host)];
    for (const tab of tabs) {
      await tab.begin(url);
      await tab.ask("/meta/subscribe", { subscription: "/a" });
    }
    assert.equal(sent("/meta/subscribe").length, 1);
    assert.equal(world.guests.size, 1);
    world.publish("/a", 1);
    await until(() => tabs.every((tab) => tab.on("/a").length === 1), "both");
    await tabs[0].ask("/meta/unsubscribe", { subscription: "/a" });
    world.publish("/a", 2);
    await until(() => tabs[1].on("/a").length === 2, "the other");
    assert.deepEqual([tabs[0].on("/a"), sent("/meta/unsubscribe").length], [[1], 0]);
    await tabs[1].ask("/meta/unsubscribe", { subscription: "/a" });
    await until(() => sent("/meta/unsubscribe").length === 1, "the end of it");
  });

  test("recovers for a late tab alone what it wants of the past", async () => {
    const [early, late] = [new HandTab(host), new HandTab(host)];
    await early.begin(url);
    await early.ask("/meta/subscribe", { subscription: "/a" });
    for (const number of [1, 2, 3]) world.publish("/a", number);
    await until(() => early.on("/a").length === 3, "all");
    await late.begin(url);
    await late.ask("/meta/subscribe", { subscription: "/a", ext: { since: { last: 2 } } });
    await until(() => late.on("/a").length === 2, "the past");
    world.publish("/a", 4);
    await until(() => late.on("/a").length === 3 && early.on("/a").length === 4, "the next");
    assert.deepEqual([early.on("/a"), late.on("/a")], [[1, 2, 3, 4], [2, 3, 4]]);
  });

  test("stops listening for a tab that takes nothing in, goes on from there, and disturbs no other", { timeout: 30_000 }, async () => {
    const [stuck, awake] = [new HandTab(host), new HandTab(host)];
    await Promise.all([stuck.begin(url), awake.begin(url)]);
    await stuck.ask("/meta/subscribe", { subscription: "/ticker" });
    await awake.ask("/meta/subscribe", { subscription: "/chat" });
    for (let number = 0; number < CREDIT + 1; number += 1) world.publish("/ticker", number);
    await until(() => [...world.guests.values()][0].names.has("/ticker") === false, "the pause");
    for (let number = CREDIT + 1; number < 2 * CREDIT; number += 1) world.publish("/ticker", number);
    world.publish("/chat", "hello");
    await until(() => awake.on("/chat").length === 1, "the chat");
    assert.equal(stuck.on("/ticker").length, CREDIT + 1);
    // It is alive again.
    stuck.post({ word: "taken", count: stuck.frames });
    await until(() => stuck.on("/ticker").length === 2 * CREDIT, "the rest");
    assert.deepEqual(stuck.on("/ticker"), Array.from({ length: 2 * CREDIT }, (_, number) => number));
  });

  test("drops words that are none, and lets go of a tab whose frames are none", async () => {
    const tab = new HandTab(host);
    for (const word of [undefined, 7, [], {}, { word: "hello" }, { word: "toString" }, { word: "taken", count: -1 }, { word: "hello", tab: 1, url, options: {}, secret: false }]) tab.post(word);
    await tab.begin(url);
    for (const word of [null, { word: "frame", text: 5 }, { word: "move", id: "x", name: "y" }, { word: "taken", count: 99 }]) tab.post(word);
    await tab.ask("/meta/subscribe", { subscription: "/a" });
    assert.equal((await tab.ask("/meta/subscribe", { subscription: "/a/**/b" })).error, "405::channel_invalid");
    assert.equal((await tab.ask("/meta/subscribe", { subscription: ["/a"] })).error, "400::message_invalid");
    for (const text of ["[", "{}", "[1]", `[${"{},".repeat(1_000)}{}]`]) {
      const other = new HandTab(host);
      await other.begin(url);
      other.post({ word: "frame", text });
      await until(() => other.has("gone"), `the end of ${text.slice(0, 10)}`);
    }
    assert.equal(tab.has("gone"), false);
  });

  test("ends the session with the last tab, and begins another for the next", async () => {
    const tabs = [new HandTab(host), new HandTab(host)];
    for (const tab of tabs) await tab.begin(url);
    tabs[0].post({ word: "leave" });
    await tabs[1].ask("/meta/disconnect");
    await until(() => world.guests.size === 0, "the goodbye");
    const next = new HandTab(host);
    assert.equal((await next.begin(url)).successful, true);
    assert.equal(world.guests.size, 1);
  });

  test("ends for everyone when one says so", async () => {
    const tabs = [new HandTab(host), new HandTab(host)];
    for (const tab of tabs) await tab.begin(url);
    tabs[0].post({ word: "leave", everyone: true });
    await until(() => tabs[1].messages.some(({ channel, advice }) => channel === "/meta/disconnect" && advice?.reconnect === "none"), "the end");
    await until(() => world.guests.size === 0, "the goodbye");
  });

  test("lets all tabs go when a token has become another one's", async () => {
    const tab = new HandTab(host);
    const begun = tab.begin(url, {}, true);
    await until(() => tab.has("token"), "the question");
    tab.post({ word: "token", id: 1, text: "first" });
    await begun;
    assert.equal(sent("/meta/handshake").at(-1).ext.token, "first");
    world.forgetSessions();
    await until(() => tab.words.filter(({ word }) => word === "token").length === 2, "the next question");
    tab.post({ word: "token", id: 2, text: "second", changed: true });
    await until(() => tab.has("gone"), "the end");
    assert.equal(sent("/meta/handshake").some(({ ext }) => ext.token === "second"), false);
  });

  test("renews the tabs when the session is lost, for each knows best what it has heard", async () => {
    const tab = new HandTab(host);
    await tab.begin(url);
    await tab.ask("/meta/subscribe", { subscription: "/a" });
    world.forgetSessions();
    await until(() => tab.has("gone"), "the word");
  });

  test("tells a tab that it is refused, and no other", async () => {
    const tabs = [new HandTab(host), new HandTab(host)];
    for (const tab of tabs) await tab.begin(url);
    world.script.refuse = { "/secret": "403::subscribe_denied" };
    assert.equal((await tabs[0].ask("/meta/subscribe", { subscription: "/secret" })).error, "403::subscribe_denied");
    await tabs[1].ask("/meta/subscribe", { subscription: "/a" });
    assert.equal(tabs.some((each) => each.has("error")), false);
  });
});
