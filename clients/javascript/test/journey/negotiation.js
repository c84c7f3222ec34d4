/**
 * @file Journeys through a network that misbehaves, to a real server: what is published meanwhile comes once and in order, and the
 * client ends on a wire that works. `fault` tells the network how to behave and gives what it has counted since.
 */
import { equal, ok, sleep, until } from "./check.js";

const NAMES = ["websocket", "http-streaming", "long-polling"];
/** The client waits less for each thing than a page would, so that a journey takes seconds. */
const HASTE = { networkDelayMs: 3_000, openTimeoutMs: 1_500, headStartMs: 400, upgradeAfterMs: 120_000, backoffBaseMs: 50, backoffCapMs: 500, remember: false };

/** How long anything may take on a machine that has much else to do. */
const PATIENCE_MS = 40_000;

let lastRoom = 0;

/**
 * Publishes directly and listens through the fault, and the other way round, ever on.
 * @param {any} trip
 * @param {object} options Of the client that goes through the fault.
 * @param {{ everyMs?: number, fill?: string, speaks?: boolean }} [manner] `fill` goes with each message down; who does not speak listens only.
 */
async function talking({ Comet, url, directUrl, clients }, options, { everyMs = 20, fill = "", speaks = true } = {}) {
  const room = `/negotiation/${Date.now().toString(36)}${(lastRoom += 1)}`;
  // Not by polling, or the server would grant this browser's other session no stream.
  const direct = new Comet(directUrl, { transports: ["websocket"], remember: false });
  const comet = new Comet(url, { ...HASTE, ...options });
  clients.push(direct, comet);
  const seen = [];
  const told = [];
  await direct.subscribe(`${room}/up`, ({ data }) => told.push(data)).ready;
  await comet.subscribe(`${room}/down`, ({ data }) => seen.push(data.number)).ready;
  let sent = 0;
  let going = true;
  const sending = (async () => {
    for (; going; await sleep(everyMs)) await direct.publish(`${room}/down`, { number: (sent += 1), fill });
  })();
  const receipts = [];
  const speaking = (async () => {
    // Nobody waits for the receipt of one before the next is sent.
    for (; going && speaks; await sleep(5 * everyMs)) receipts.push(comet.publish(`${room}/up`, receipts.length + 1).then(() => undefined, (error) => error));
  })();
  /** Ends it, when all has come. */
  const end = async () => {
    going = false;
    await Promise.all([sending, speaking]);
    equal((await Promise.all(receipts)).filter((error) => error).map(String), [], "publications refused or lost");
    await until(() => seen.length >= sent, () => `all ${sent} deliveries, of which ${seen.length} came`, PATIENCE_MS);
    await until(() => told.length >= receipts.length, () => `all ${receipts.length} publications, of which ${told.length} came`, PATIENCE_MS);
    equal(seen, upTo(sent), "what was heard");
    equal(told, upTo(receipts.length), "what was published");
  };
  return { comet, seen, end };
}

const upTo = (/** @type {number} */ last) => Array.from({ length: last }, (_, index) => index + 1);

/** The client's clock on a machine that can seem to have slept. */
function sleepyClock() {
  let sleptMs = 0;
  return {
    now: () => performance.timeOrigin + performance.now() + sleptMs,
    setTimeout: (/** @type {() => void} */ run, /** @type {number} */ delayMs) => setTimeout(run, delayMs),
    clearTimeout: (/** @type {number} */ timer) => clearTimeout(timer),
    sleep: (/** @type {number} */ delayMs) => void (sleptMs += delayMs),
  };
}

/** @type {{ name: string, needs?: string, run: (trip: any) => Promise<void> }[]} */
const JOURNEYS = [
  ...["refuse", "hang"].map((upgrade) => ({
    name: `where upgrades meet ${upgrade}, the session begins on the next wire, and moves up when they are let through`,
    async run(trip) {
      await trip.fault({ upgrade });
      const { comet, seen, end } = await talking(trip, { transports: NAMES, upgradeAfterMs: 1_000 });
      await until(() => seen.length > 0, "the first delivery");
      ok(comet.transport !== "websocket", "another wire");
      const { clientId } = comet;
      await trip.fault({});
      await until(() => comet.transport === "websocket", "the WebSocket");
      equal(comet.clientId, clientId, "session");
      await end();
    },
  })),
  ...[
    ["killed after a moment", { killMs: 300 }],
    ["killed after some bytes", { killBytes: 3_000 }],
    ["stalled after some bytes", { stallBytes: 3_000 }],
    ["heard by nobody", { swallow: true }],
  ].map(([what, fault]) => ({
    name: `a WebSocket that is ${what}, again and again, is left for a stream without losing a message`,
    async run(trip) {
      await trip.fault(fault);
      const { comet, seen, end } = await talking(trip, { transports: NAMES });
      await until(() => comet.transport === "http-streaming", "the stream", PATIENCE_MS);
      const had = seen.length;
      await until(() => seen.length > had + 10, "deliveries over the stream");
      await end();
    },
  })),
  ...[
    ["nothing", "http-streaming", "all"],
    ["nothing but the head", "http-streaming", "body"],
    ["only the beginning", "http-streaming", "rest"],
    ["nothing but the head", "eventsource", "body"],
  ].map(([what, name, hold]) => ({
    name: `${name} of which ${what} comes through is left for long polling without losing a message`,
    needs: name === "eventsource" ? "EventSource" : "fetch",
    async run(trip) {
      await trip.fault({ hold });
      const { comet, end } = await talking(trip, { transports: [name, "long-polling"] });
      await until(() => comet.transport === "long-polling", "long polling", PATIENCE_MS);
      await end();
    },
  })),
  ...["http-streaming", "eventsource"].map((name) => ({
    name: `${name} is recycled by bytes without losing a message`,
    needs: name === "eventsource" ? "EventSource" : "fetch",
    async run(trip) {
      await trip.fault({});
      const { comet, end } = await talking(trip, { transports: [name] }, { fill: "x".repeat(50_000) });
      await until(async () => (await trip.fault()).streams >= 4, "four streams", PATIENCE_MS);
      equal(comet.transport, name);
      await end();
    },
  })),
  {
    name: "a machine that sleeps while its wire vanishes hears everything when it has woken",
    async run(trip) {
      const clock = sleepyClock();
      await trip.fault({});
      // An hour later nobody knows whether what was on its way has arrived, so nothing is. Where there is but one transport it is
      // not asked for a sign because it is young.
      const { comet, seen, end } = await talking(trip, { transports: ["websocket"], clock }, { everyMs: 50, speaks: false });
      // What watches over the wire is loaded after the connection.
      await until(() => seen.length > 30 && comet.transport === "websocket", "deliveries");
      await trip.fault({ vanish: true });
      clock.sleep(3_600_000);
      const had = seen.length;
      // A client that does not know it has slept waits for the connect that the server may hold for half a minute.
      await until(() => seen.length > had + 10, "deliveries after waking", 25_000);
      await end();
    },
  },
  {
    name: "a network that cuts quiet wires is learnt, after which nothing is cut any more",
    async run(trip) {
      const IDLE_MS = 3_500;
      await trip.fault({ idleMs: IDLE_MS });
      const clients = ["websocket", "long-polling"].map((name) => new trip.Comet(trip.url, { ...HASTE, transports: [name] }));
      trip.clients.push(...clients);
      // Each needs two deaths, of which the first comes after one quiet time and the second after another.
      await until(async () => (await trip.fault()).cuts >= 4, "two cuts of each", PATIENCE_MS);
      const { cuts } = await trip.fault();
      await until(() => clients.every(({ state }) => state === "connected"), "both connections");
      await sleep(3 * IDLE_MS);
      equal((await trip.fault()).cuts - cuts, 0, "cuts in three times the silence that was cut");
      equal(clients.map(({ transport }) => transport), ["websocket", "long-polling"]);
    },
  },
  {
    name: "what a page has learnt of its network is known to the next, which looks at it again later",
    needs: "document",
    async run(trip) {
      localStorage.removeItem("comet");
      await trip.fault({ upgrade: "hang" });
      const options = { transports: NAMES, remember: true, upgradeAfterMs: 6_000 };
      const first = await talking(trip, options);
      await until(() => localStorage.getItem("comet"), "the memory");
      await first.end();
      await first.comet.close();
      await trip.fault({ upgrade: "hang" });
      const second = new trip.Comet(trip.url, { ...HASTE, ...options });
      trip.clients.push(second);
      await until(() => second.state === "connected", "a connection");
      equal((await trip.fault()).upgrades, 0, "upgrades asked for");
      await trip.fault({});
      await until(() => second.transport === "websocket", "the WebSocket", PATIENCE_MS);
      localStorage.removeItem("comet");
    },
  },
];

/** Those that this platform can take. */
export const negotiationJourneys = JOURNEYS.filter(({ needs = "WebSocket" }) => needs in globalThis);

/**
 * Takes one of them and closes its clients.
 * @param {(typeof negotiationJourneys)[number]} journey
 * @param {object} ground
 */
export async function takeNegotiation({ run }, ground) {
  const clients = [];
  try {
    await run({ ...ground, clients });
  } finally {
    await ground.fault({});
    await Promise.all(clients.map((client) => client.close()));
  }
  // The question itself is not counted.
  await until(async () => (await ground.fault()).open === 0, "the end of every wire");
}
