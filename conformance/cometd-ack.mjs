// Judge: the official CometD client in Node with its acknowledgement extension, behind a proxy that cuts its connections
// at random times: on `websocket`, on `long-polling`, or on `switch`, where it changes between the two after each cut.
// Nothing may be lost or come out of order, all of it in one session. A second process publishes past the proxy.

import { CometD } from "cometd";
import { AckExtension } from "cometd/AckExtension.js";
import { adapt } from "cometd-nodejs-client";
import { options, Report } from "./report.mjs";
import { secondClient } from "./second.mjs";
import { Sequence } from "./story/sequence.mjs";
import { within } from "./story/story.mjs";
import { CuttingProxy } from "./trouble/proxy.mjs";
import { Random } from "./trouble/random.mjs";

const CHANNEL = "/judge/acknowledged";
const GROUPS = 80;
const GROUP = 10;
const FEWEST_CUTS = 10;
const FEWEST_SWITCHES = 6;
const TROUBLE_TIMEOUT_MS = 60_000;
const PAUSE_MS = 60;
const ARRIVAL_TIMEOUT_MS = 60_000;
const SETTLE_MS = 500;

const { url, transport, without } = options();
console.debug = console.info = console.log = console.warn = console.error;
adapt();
console.debug = () => {};

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const report = new Report(without);
const random = Random.ofRun();
const proxy = new CuttingProxy(new URL(url), random);
const spoilt = new URL(url);
spoilt.port = await proxy.open();

const types = transport === "switch" ? ["websocket", "long-polling"] : [transport];
const cometd = new CometD();
for (const type of cometd.getTransportTypes()) if (!types.includes(type)) cometd.unregisterTransport(type);
cometd.configure({ url: spoilt.href, logLevel: "error", backoffIncrement: 50, maxBackoff: 200 });
cometd.registerExtension("ack", new AckExtension());
let switches = 0;
if (transport === "switch") {
  // The client's own way for applications to choose another transport after a failure.
  const usual = cometd.onTransportFailure.bind(cometd);
  cometd.onTransportFailure = (message, info, handle) =>
    usual(message, info, (info) => {
      const type = cometd.getTransport().type === "websocket" ? "long-polling" : "websocket";
      if (info.action === "retry") {
        switches++;
        info.transport = cometd.findTransport(type);
      }
      handle(info);
    });
}

let handshakes = 0;
let acknowledges = false;
const failures = [];
cometd.addListener("/meta/handshake", (reply) => {
  handshakes++;
  acknowledges = reply.ext?.ack === true || reply.ext?.ack?.enabled === true;
});
cometd.addListener("/meta/connect", (reply) => {
  if (reply.successful === false && reply.error) failures.push(reply.error);
});
const sequence = new Sequence(GROUPS * GROUP);
const publisher = secondClient(url, transport === "long-polling" ? transport : "websocket");

await report.check("handshake", async () => {
  const met = new Promise((resolve, reject) =>
    cometd.handshake((reply) => (reply.successful ? resolve() : reject(new Error(JSON.stringify(reply))))),
  );
  await within(20_000, "the handshake", met);
  await within(20_000, "the publisher's handshake", publisher.open());
  if (!acknowledges) throw new Error("the server does not acknowledge");
  const listening = new Promise((resolve, reject) =>
    cometd.subscribe(
      CHANNEL,
      ({ data }) => sequence.add(data.number),
      (reply) => (reply.successful ? resolve() : reject(new Error(reply.error))),
    ),
  );
  await within(20_000, "the subscription", listening);
});

/** Whether so much of the trouble that is wanted has been. */
const troubled = (share) =>
  proxy.total >= share * FEWEST_CUTS && (transport !== "switch" || switches >= share * FEWEST_SWITCHES);

await report.check("nothing-lost-across-cuts", async () => {
  proxy.trouble(80, 700);
  const end = Date.now() + TROUBLE_TIMEOUT_MS;
  for (let group = 0; group < GROUPS; group++) {
    // On a slow day trouble is slow as well: publications wait for their share of it.
    while (!troubled((group + 1) / GROUPS) && Date.now() < end) await pause(PAUSE_MS);
    await publisher.publish(CHANNEL, Array.from({ length: GROUP }, (_, index) => ({ number: group * GROUP + index })));
    await pause(random.between(0, 2 * PAUSE_MS));
  }
  proxy.calm();
  const problem = await within(ARRIVAL_TIMEOUT_MS, "the last messages", sequence.complete).then(() => "", (e) => e.message);
  await pause(SETTLE_MS);
  const told = `seed ${random.seed}, ${proxy.total} cuts, ${proxy.lost} chunks lost, ${switches} switches`;
  const faults = [
    problem,
    sequence.fault(),
    handshakes === 1 ? "" : `${handshakes} handshakes`,
    failures.length ? `connects refused: ${failures.join(", ")}` : "",
    troubled(1) ? "" : "too little trouble",
  ].filter(Boolean);
  if (faults.length) throw new Error(`${faults.join("; ")} (${told})`);
  return told;
});

await report.check("disconnect", () => {
  const left = new Promise((resolve, reject) =>
    cometd.disconnect((reply) => (reply.successful ? resolve() : reject(new Error(reply.error)))),
  );
  return within(20_000, "the disconnect", left);
});

proxy.close();
publisher.end();
report.end();
