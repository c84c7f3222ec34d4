// Judge: the official CometD client in Chromium with its reload and acknowledgement extensions. The page is loaded anew
// again and again while a second client publishes; each new page takes the session of the one before up, and together
// they hear everything.

import assert from "node:assert/strict";
import { CometD } from "cometd";
import { adapt } from "cometd-nodejs-client";
import { CometDClient } from "./client/cometd.mjs";
import { withPage } from "./page.mjs";
import { options } from "./report.mjs";
import { Sequence } from "./story/sequence.mjs";
import { within } from "./story/story.mjs";

const CHANNEL = "/judge/reloaded";
const PAGES = 5;
const EACH = 40;
const PAGE_TIMEOUT_MS = 20_000;

const settings = options();
const { url, transport } = settings;
console.debug = console.info = console.log = console.warn = console.error;
adapt();
console.debug = () => {};

/** Runs in the page: meets the server as the page before left it, and tells what it hears. */
async function meet(url, transport, channel) {
  const { CometD } = await import("/node_modules/cometd/cometd.js");
  const { AckExtension } = await import("/node_modules/cometd/AckExtension.js");
  const { ReloadExtension } = await import("/node_modules/cometd/ReloadExtension.js");
  const cometd = (window.cometd = new CometD());
  for (const type of cometd.getTransportTypes()) if (type !== transport) cometd.unregisterTransport(type);
  cometd.configure({ url, logLevel: "error" });
  cometd.registerExtension("ack", new AckExtension());
  cometd.registerExtension("reload", new ReloadExtension());
  // The extension learns the transport from the first connect, whose timer runs in a worker that may begin late.
  const connected = new Promise((resolve) => cometd.addListener("/meta/connect", (reply) => reply.successful && resolve()));
  const reply = await new Promise((resolve) => cometd.handshake(resolve));
  if (!reply.successful) throw new Error(`no session: ${JSON.stringify(reply)}`);
  const subscribed = await new Promise((resolve) =>
    cometd.subscribe(channel, ({ data }) => window.heard(data.number), resolve),
  );
  await connected;
  return {
    successful: subscribed.successful,
    reloaded: reply.ext?.reload === true,
    clientId: cometd.getClientId(),
    type: cometd.getTransport().type,
  };
}

await withPage(settings, async (page, report) => {
  const publisher = new CometDClient(CometD, url, "websocket");
  const sequence = new Sequence(PAGES * EACH);
  const heard = new Set();
  // A page that goes may have heard what it did not confirm: that comes once more.
  const hear = (number) => heard.has(number) || (heard.add(number), sequence.add(number));
  await page.exposeFunction("heard", hear);
  const open = () => within(PAGE_TIMEOUT_MS, "the page", page.evaluate(meet, url, transport, CHANNEL));
  let first;

  await report.check("handshake", async () => {
    await within(PAGE_TIMEOUT_MS, "the publisher's handshake", publisher.open());
    first = await open();
    assert.deepEqual([first.successful, first.reloaded, first.type], [true, false, transport]);
  });

  await report.check("reload", async () => {
    const publish = async (round) => {
      for (let number = round * EACH; number < (round + 1) * EACH; number += 4) {
        await publisher.publish(CHANNEL, [0, 1, 2, 3].map((more) => ({ number: number + more })));
      }
    };
    for (let round = 0; round < PAGES; round++) {
      const published = publish(round);
      if (round > 0) {
        await page.evaluate(() => window.cometd.reload());
        await page.reload();
        const { successful, reloaded, clientId, type } = await open();
        assert.deepEqual([successful, reloaded, clientId, type], [true, true, first.clientId, transport]);
      }
      await published;
    }
    const late = await within(PAGE_TIMEOUT_MS, "the last messages", sequence.complete).then(() => "", (e) => e.message);
    assert.equal([late, sequence.fault()].filter(Boolean).join("; "), "");
    return `${PAGES - 1} reloads`;
  });

  await report.check("disconnect", async () => {
    const left = page.evaluate(() => new Promise((resolve) => window.cometd.disconnect(resolve)));
    assert.equal((await within(PAGE_TIMEOUT_MS, "the disconnect", left)).successful, true);
    await publisher.close();
  });
});
