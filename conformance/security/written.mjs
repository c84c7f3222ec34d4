// What the server writes into scripts, pages and event streams, read by browsers: names, tickets and data that would become code, markup or fields of
// their own. Each attack comes with the same act without malice, which shows that it would be seen.

import assert from "node:assert/strict";
import { post } from "../transports/sender.mjs";
import { pause } from "../transports/place.mjs";

const HELLO = JSON.stringify([{ channel: "/meta/handshake", version: "1.0", supportedConnectionTypes: ["callback-polling"] }]);
const SETTLE_MS = 300;

/** Texts that would end a string, a script, a comment, a line or a field. */
const TEXTS = [
  "</script><script>top.broken=1</script>",
  "<img src=evil-x onerror='top.broken=1'>",
  "'\"><svg onload=top.broken=1>",
  "]]><!--<script>top.broken=1</script>-->",
  "a\r\nevent: evil\r\ndata: forged\r\n\r\nid: 9\n\n: b\u0000",
  "\u2028top.broken=1\u2029",
];

/** Nothing has run in the page or in a frame of it. */
const nothingRan = async (page, words) => assert.equal(await page.evaluate(() => String(window.broken)), "undefined", words);

/** E1: names of functions that are code, markup or the bytes of a plugin's file. */
async function callbacks({ page, origin }) {
  await page.goto(`${origin}/comet.js`);
  const ask = (name) =>
    page.evaluate(
      (name, hello) =>
        new Promise((resolve) => {
          window.good = () => (window.called = true);
          window.called = false;
          const src = `/cometd?jsonp=${encodeURIComponent(name)}&message=${encodeURIComponent(hello)}`;
          const script = Object.assign(document.createElement("script"), { src });
          script.onload = script.onerror = () => setTimeout(resolve, 50, fetch(src).then((answer) => [window.called, answer.status]));
          document.head.append(script);
        }),
      name,
      HELLO,
    );
  assert.deepEqual(await ask("good"), [true, 200]);
  for (const name of ["top.broken=1;good", "good//", "good[top.broken=1]", "good(top.broken=1)", "g".repeat(65), "göd", "", "<svg onload=top.broken=1>"]) {
    assert.deepEqual(await ask(name), [false, 400], name);
    await nothingRan(page, name);
  }
  // Nor is an answer shown as a page: a browser that is led to it offers to save it.
  const before = page.url();
  await page.goto(`${origin}/cometd?jsonp=good&message=${encodeURIComponent(HELLO)}`, { timeout: 2_000 }).catch(() => undefined);
  assert.equal(page.url(), before);
}

/** The ticket of a frame for a session that listens, asked for by the page itself. */
const ticketFor = (page, channel) =>
  page.evaluate(async (subscription) => {
    const ask = async (message) => (await (await fetch("/cometd", { method: "POST", body: JSON.stringify([message]) })).json())[0];
    const { clientId } = await ask({ channel: "/meta/handshake", version: "1.0", supportedConnectionTypes: ["iframe"] });
    await ask({ channel: "/meta/subscribe", clientId, subscription });
    const connected = await ask({ channel: "/meta/connect", clientId, connectionType: "iframe", ext: { frame: { mode: "call" } } });
    return connected.ext.ticket;
  }, channel);

/** Opens a frame in the page, which keeps what is handed over, called or sent. */
const openFrame = (page, src) =>
  page.evaluate((src) => {
    window.handed = [];
    window.addEventListener("message", ({ data }) => window.handed.push(...(data.comet ?? [data])));
    const frame = document.createElement("iframe");
    frame.comet = (batch) => window.handed.push(...batch);
    frame.src = src;
    document.documentElement.append(frame);
  }, src);

const handed = (page) => page.evaluate(() => window.handed.filter(({ data }) => data).map(({ data }) => data));

/** E4: a ticket that is markup is repeated nowhere, and data that is markup is handed over as it was. */
async function frame({ page, origin, name }) {
  await page.goto(`${origin}/comet.js`);
  for (const text of TEXTS) {
    await openFrame(page, `/cometd?ticket=${encodeURIComponent(text)}`);
    await pause(SETTLE_MS);
    const shown = await page.evaluate(() => [...document.querySelectorAll("iframe")].at(-1).contentDocument?.documentElement.outerHTML ?? "");
    assert.ok(!/broken|evil|forged|<svg|<img/.test(shown), shown);
    await nothingRan(page, text);
  }
  const channel = `/written/frame/${name}`;
  await openFrame(page, `/cometd?ticket=${await ticketFor(page, channel)}`);
  for (const text of TEXTS) await post(undefined, origin, "/api/publish", { channel, data: { [text]: text } });
  await page.waitForFunction(`handed.filter(({ data }) => data).length >= ${TEXTS.length}`, { timeout: 30_000, polling: 50 });
  assert.deepEqual(await handed(page), TEXTS.map((text) => ({ [text]: text })));
  await nothingRan(page, "data");
}

/** E5: whoever gets hold of a ticket can show the page nowhere else, and is told nothing by it. */
async function framed({ page, origin, evil, listed, name }) {
  const channel = `/written/framed/${name}`;
  await page.goto(`${origin}/comet.js`);
  const [own, far, near] = [await ticketFor(page, channel), await ticketFor(page, channel), await ticketFor(page, channel)];
  await openFrame(page, `${origin}/cometd?ticket=${own}`);
  await post(undefined, origin, "/api/publish", { channel, data: "first" });
  await page.waitForFunction("handed.some(({ data }) => data === 'first')", { timeout: 30_000, polling: 50 });
  // A page of a site that nobody knows is refused the frame; one that may speak with the server is stopped by the policy of the page.
  for (const [site, ticket] of [[evil.origin, far], [listed.neighbour, near]]) {
    await page.goto(site);
    await openFrame(page, `${origin}/cometd?ticket=${ticket}`);
    await pause(SETTLE_MS);
    await post(undefined, origin, "/api/publish", { channel, data: "secret" });
    await pause(SETTLE_MS);
    assert.deepEqual(await page.evaluate(() => window.handed), [], `handed to ${site}`);
    const [inside] = page.mainFrame().childFrames();
    const [address, scripts] = await inside.evaluate(() => [document.documentURI, document.scripts.length]).catch(() => ["", 0]);
    // What a browser shows in place of a page that it was not to show has another address.
    if (address === `${origin}/cometd?ticket=${ticket}`) assert.ok(site === evil.origin && scripts === 0, `shown on ${site}`);
  }
}

/** E6: what would be fields of their own in an event stream is data, and names that hold line ends are refused. */
async function events({ page, origin, name }) {
  const channel = `/written/events/${name}`;
  await page.goto(`${origin}/comet.js`);
  await page.evaluate((channel) => {
    window.heard = [];
    window.forged = [];
    const source = new EventSource(`/events?channel=${channel}`);
    source.addEventListener(channel, ({ data }) => window.heard.push(data));
    source.addEventListener("evil", ({ data }) => window.forged.push(data));
    return new Promise((resolve) => (source.onopen = () => resolve(undefined)));
  }, channel);
  for (const text of TEXTS) await post(undefined, origin, "/api/publish", { channel, data: { [text]: text } });
  await page.waitForFunction(`heard.length >= ${TEXTS.length}`, { timeout: 30_000, polling: 50 });
  const heard = await page.evaluate(() => window.heard.map((text) => JSON.parse(text)));
  assert.deepEqual(heard, TEXTS.map((text) => ({ [text]: text })));
  assert.deepEqual(await page.evaluate(() => window.forged), []);
  const refused = await page.evaluate((channel) => fetch(`/events?channel=${channel}%0d%0aevent:%20evil`).then(({ status }) => status), channel);
  assert.equal(refused, 400);
}

/** E10: no policy file lets plugins in. */
async function policies({ page, origin }) {
  await page.goto(`${origin}/comet.js`);
  const paths = ["/crossdomain.xml", "/clientaccesspolicy.xml", "/cometd/crossdomain.xml"];
  const ask = (paths) => Promise.all(paths.map((path) => fetch(path).then(async (answer) => [answer.status, (await answer.text()).includes("<")])));
  assert.deepEqual(await page.evaluate(ask, ["/"]), [[200, true]]);
  for (const [status, markup] of await page.evaluate(ask, paths)) {
    assert.ok(status >= 400, `answered ${status}`);
    assert.equal(markup, false);
  }
}

/** All of them, by their number in the list of known attacks. */
export const WRITTEN = [
  { name: "E1 a callback that is more than a name is refused and runs nothing", act: callbacks },
  { name: "E4 the persistent frame repeats no markup and hands it over as it was", act: frame },
  { name: "E5 a stolen ticket opens no frame on another site", act: framed },
  { name: "E6 no text becomes a field of an event stream", act: events },
  { name: "E10 no policy file lets plugins in", act: policies },
];
