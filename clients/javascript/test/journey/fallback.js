/**
 * @file Journeys about finding a transport that works, and what each kind of wire owes the rules of the protocol.
 */
import { equal, heard, ok, rejects, until } from "./check.js";

const NAMES = ["websocket", "long-polling"];

/** @type {{ name: string, run: (trip: any) => Promise<void> }[]} */
export const fallbackJourneys = [
  {
    name: "a refused WebSocket falls back to long polling and comes back later in the same session",
    async run({ connect, act }) {
      await act("script", { refuseWebSocket: true });
      const comet = connect({ transports: NAMES, upgradeAfterMs: 200 });
      const seen = [];
      await comet.subscribe("/a", ({ data }) => seen.push(data)).ready;
      equal(comet.transport ?? "long-polling", "long-polling");
      await until(() => comet.transport === "long-polling", "long polling");
      const { clientId } = comet;
      await act("script", { refuseWebSocket: false });
      await until(() => comet.transport === "websocket", "the WebSocket");
      await act("publish", "/a", 1);
      await until(() => seen.length === 1, "the delivery");
      equal(comet.clientId, clientId, "clientId");
    },
  },
  {
    name: "a WebSocket that never opens falls back in time",
    async run({ connect, act }) {
      await act("script", { hangWebSocket: true });
      const comet = connect({ transports: NAMES, openTimeoutMs: 200 });
      await comet.publish("/a", 1);
      equal((await act("journal")).at(-1).transport, "long-polling");
    },
  },
  {
    name: "a WebSocket that opens and stays silent falls back in time",
    async run({ connect, act }) {
      await act("script", { deafWebSocket: true });
      const comet = connect({ transports: NAMES, networkDelayMs: 300 });
      await comet.publish("/a", 1);
      await until(() => comet.transport === "long-polling", "long polling");
    },
  },
  {
    name: "a WebSocket that dies and does not return leaves the session to long polling",
    async run({ connect, act }) {
      const comet = connect({ transports: NAMES });
      const seen = [];
      await comet.subscribe("/a", ({ data }) => seen.push(data)).ready;
      await until(() => comet.transport === "websocket", "the WebSocket");
      const { clientId } = comet;
      await act("script", { refuseWebSocket: true });
      await act("cut");
      await act("publish", "/a", 1);
      await until(() => seen.length === 1 && comet.transport === "long-polling", "the delivery by long polling");
      equal(comet.clientId, clientId, "clientId");
    },
  },
  {
    name: "a switch to a transport that does not answer leaves the session where it was",
    async run({ connect, act }) {
      const comet = connect({ transports: ["long-polling", "websocket"], openTimeoutMs: 200 });
      const seen = [];
      await comet.subscribe("/a", ({ data }) => seen.push(data)).ready;
      await act("script", { refuseWebSocket: true });
      await rejects(comet.switchTransport("websocket"), "transport_failed");
      equal(comet.transport, "long-polling");
      await act("publish", "/a", 1);
      await until(() => seen.length === 1, "the delivery");
      await rejects(comet.switchTransport("carrier-pigeon"), "transport_failed");
    },
  },
  {
    name: "a transport the server does not offer is left",
    async run({ connect, act }) {
      await act("script", { supported: ["long-polling"] });
      const comet = connect({ transports: NAMES });
      await until(() => comet.transport === "long-polling", "long polling");
      equal((await act("sessions")).length, 1, "sessions");
    },
  },
  {
    name: "no common transport closes the client",
    async run({ connect, act }) {
      await act("script", { supported: ["smoke-signals"] });
      const comet = connect({ transports: NAMES });
      equal((await heard(comet, "error")).code, "connection_types_unsupported");
      await until(() => comet.state === "closed", "the end");
    },
  },
  ...[
    [4402, "session_expired", true],
    [4401, "token_expired", true],
    [4410, "slow_consumer", false],
    [1012, "draining", false],
    [1013, "overloaded", false],
  ].map(([closeCode, code, another]) => ({
    name: `close code ${closeCode} is reported as ${code} and answered by ${another ? "another handshake" : "another connect"}`,
    async run({ connect, act }) {
      const comet = connect({ transports: NAMES, random: () => 0.05 });
      await comet.subscribe("/a", () => {}).ready;
      await until(() => comet.state === "connected", "the connection");
      const { clientId } = comet;
      const reported = heard(comet, "error");
      await act("closeSockets", closeCode);
      equal((await reported).code, code);
      await until(() => comet.state === "connected" && comet.transport === "websocket", "the next connection");
      equal(comet.clientId !== clientId, another, "another session");
    },
  })),
  {
    name: "the token goes with every handshake and is asked for each time",
    async run({ connect, act }) {
      let asked = 0;
      const comet = connect({ transports: NAMES, token: async () => `token ${(asked += 1)}` });
      await comet.publish("/a", 1);
      await act("forgetSessions");
      await until(async () => (await act("sessions")).length === 1, "the second session");
      const shakes = (await act("journal")).filter(({ channel }) => channel === "/meta/handshake");
      equal(shakes.map(({ ext }) => ext.token), ["token 1", "token 2"]);
    },
  },
  {
    name: "long polling keeps to two requests at a time, one of them the connect",
    async run({ connect, act }) {
      await act("script", { delayMs: 20 });
      const comet = connect({ transports: ["long-polling"] });
      await comet.publish("/a", 0);
      for (let round = 0; round < 5; round += 1) {
        await Promise.all([comet.publish("/a", round), new Promise((resolve) => setTimeout(resolve, 5)).then(() => comet.publish("/a", "late"))]);
      }
      ok((await act("mostInFlight")) <= 2, "at most two requests at a time");
    },
  },
  {
    name: "an overloaded server is asked again after the pause it wants",
    async run({ connect, act }) {
      await act("script", { status: 503 });
      const comet = connect({ transports: ["long-polling"], random: () => 0.05 });
      const start = Date.now();
      equal((await heard(comet, "error")).code, "overloaded");
      await act("script", { status: 0 });
      await comet.publish("/a", 1);
      ok(Date.now() - start >= 900, "the second asked for");
    },
  },
];

/** Only where there are script elements. @type {{ name: string, run: (trip: any) => Promise<void> }[]} */
export const callbackJourneys = [
  {
    name: "callback polling splits batches, and sends in parts what no address holds",
    async run({ connect, act }) {
      const comet = connect({ transports: ["callback-polling"] });
      await until(() => comet.transport === "callback-polling", "callback polling");
      const text = "x".repeat(600);
      await Promise.all([1, 2, 3, 4, 5].map((number) => comet.publish("/a", `${number}${text}`)));
      await comet.publish("/a", "l".repeat(20_000));
      await comet.publish("/a", "after");
      const sent = (await act("journal")).filter(({ channel }) => channel === "/a");
      equal(sent.map(({ data }) => data[0]), ["1", "2", "3", "4", "5", "l", "a"]);
      ok(new Set(sent.map(({ batch }) => batch)).size >= 5, "several batches");
      ok((await act("longest")) <= 2_000, "short addresses");
      ok((await act("parts")).length > 10, "parts");
      ok((await act("mostInFlight")) <= 2, "one poll and one part at a time");
      equal(document.querySelectorAll("script[src*=jsonp]").length <= 1, true, "script elements left");
    },
  },
  {
    name: "a long message whose part is lost on the way arrives once",
    async run({ connect, act }) {
      const comet = connect({ transports: ["callback-polling"] });
      const seen = [];
      await comet.subscribe("/a", ({ data }) => seen.push(data.length)).ready;
      await act("script", { dropPart: 3 });
      await comet.publish("/a", "l".repeat(20_000));
      await act("script", { dropReplies: 1 });
      await comet.publish("/a", "l".repeat(10_000));
      await comet.publish("/a", "l");
      await until(() => seen.at(-1) === 1, "all of them");
      equal(seen, [20_000, 10_000, 1]);
    },
  },
  {
    name: "a server that takes no parts is sent no message that fits no address",
    async run({ connect, act }) {
      await act("script", { plain: true });
      const comet = connect({ transports: ["callback-polling"] });
      await until(() => comet.transport === "callback-polling", "callback polling");
      await rejects(comet.publish("/a", "x".repeat(2_000)), "message_too_large");
      await comet.publish("/a", "after");
      equal(await act("parts"), []);
    },
  },
  {
    name: "a session lost on callback polling is replaced by another transport when there is a token",
    async run({ connect, act }) {
      const comet = connect({ transports: ["long-polling", "callback-polling"], token: "secret" });
      await comet.switchTransport("callback-polling");
      await act("forgetSessions");
      await until(async () => (await act("sessions")).length === 1, "the second session");
      const shakes = (await act("journal")).filter(({ channel }) => channel === "/meta/handshake");
      equal(shakes.map(({ transport }) => transport), ["long-polling", "long-polling"]);
    },
  },
  {
    name: "a token never rides in an address",
    async run({ connect, act }) {
      const comet = connect({ transports: ["callback-polling"], token: "secret" });
      await until(() => comet.state === "closed", "the end");
      equal((await act("journal")).filter(({ ext }) => ext?.token), []);
    },
  },
];
