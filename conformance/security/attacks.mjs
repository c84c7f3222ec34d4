// Attacks from pages of another site, each with the same act from a page of the server's own, which shows that the act would succeed. An attack throws when it succeeds.

import assert from "node:assert/strict";
import { post } from "../transports/sender.mjs";
import { pause } from "../transports/place.mjs";

const HELLO = JSON.stringify([{ channel: "/meta/handshake", version: "1.0", supportedConnectionTypes: ["long-polling", "callback-polling"] }]);

/** How many sessions the server has. */
const sessions = async (origin) => (await post(undefined, origin, "/api/info", {})).value.sessions;

/** A cookie of the server, as every client gets one. */
const visitServer = (page, origin) =>
  page.goto(`${origin}/comet.js`).then(() => page.evaluate((hello) => fetch("/cometd", { method: "POST", body: hello }).then((answer) => answer.status), HELLO));

/** E3: a script of the server, read by a page of another site. */
async function readByScript({ page, origin, evil }) {
  assert.equal(await visitServer(page, origin), 200);
  const url = `${origin}/cometd?jsonp=steal&message=${encodeURIComponent(HELLO)}`;
  const load = (url, policy) =>
    page.evaluate(
      (url, policy) =>
        new Promise((resolve) => {
          window.stolen = undefined;
          window.steal = (value) => (window.stolen = value);
          const script = Object.assign(document.createElement("script"), { src: url, referrerPolicy: policy });
          script.onload = script.onerror = () => setTimeout(resolve, 50, window.stolen !== undefined);
          document.head.append(script);
        }),
      url,
      policy,
    );
  assert.equal(await load(url, ""), true, "the server's own page gets the script");
  const before = await sessions(origin);
  await page.goto(evil.origin);
  for (const policy of ["", "no-referrer", "unsafe-url"]) assert.equal(await load(url, policy), false, `with the policy ${policy || "of the browser"}`);
  assert.ok((await sessions(origin)) <= before, "nor is a session made");
}

/** Whether a page shows a resource of the server in a frame. */
async function framed(page, url) {
  await page.evaluate(
    (url) =>
      new Promise((resolve) => {
        const frame = document.createElement("iframe");
        frame.onload = frame.onerror = () => setTimeout(resolve, 200);
        frame.src = url;
        document.body.replaceChildren(frame);
        setTimeout(resolve, 5_000);
      }),
    url,
  );
  const [frame] = page.mainFrame().childFrames();
  // What a browser shows in place of a blocked page has another address.
  const address = await frame?.evaluate(() => document.documentURI).catch((error) => `(${error.message})`);
  return address === url;
}

/** E5: pages of the server in a frame of another site. */
async function frames({ page, origin, evil }) {
  await page.goto(evil.origin);
  assert.equal(await framed(page, `${origin}/comet.js`), true, "what has no policy can be framed");
  for (const path of ["/", "/chat/", "/nothing"]) assert.equal(await framed(page, origin + path), false, `${path} is not framed`);
}

/** What becomes of a WebSocket that the page opens. */
const socket = (page, url, sandboxed) =>
  page.evaluate(
    (url, sandboxed) =>
      new Promise((resolve) => {
        setTimeout(resolve, 10_000, "nothing");
        if (!sandboxed) {
          const socket = new WebSocket(url);
          socket.onopen = () => (socket.close(), resolve("open"));
          return void (socket.onerror = () => resolve("refused"));
        }
        // A frame without an origin: its requests say `Origin: null`.
        const frame = document.createElement("iframe");
        frame.sandbox = "allow-scripts";
        addEventListener("message", ({ data }) => resolve(data), { once: true });
        const code = `const s = new WebSocket(${JSON.stringify(url)}); s.onopen = () => parent.postMessage("open", "*"); s.onerror = () => parent.postMessage("refused", "*");`;
        frame.srcdoc = `<script>${code}</script>`;
        document.body.append(frame);
      }),
    url,
    sandboxed,
  );

/** E7: WebSockets opened by pages of other sites, and by none. */
async function hijack({ page, origin, evil }) {
  const url = `${origin.replace("http", "ws")}/cometd`;
  assert.equal(await visitServer(page, origin), 200);
  assert.equal(await socket(page, url, false), "open", "the server's own page opens one");
  assert.equal(await socket(page, url, true), "refused", "a page without an origin does not");
  await page.goto(evil.origin);
  for (const sandboxed of [false, true]) assert.equal(await socket(page, url, sandboxed), "refused");
}

/** E8: requests that need no preflight, with the browser's cookies. */
async function forge({ page, origin, evil }) {
  assert.equal(await visitServer(page, origin), 200);
  const send = (url, body, type) =>
    page.evaluate(
      (url, body, type) =>
        fetch(url, { method: "POST", mode: "no-cors", credentials: "include", body, headers: { "content-type": type } }).then(
          () => "sent",
          (error) => String(error),
        ),
      url,
      body,
      type,
    );
  const before = await sessions(origin);
  await page.goto(evil.origin);
  const channel = "/forged/by/post";
  const publication = JSON.stringify({ channel, data: "forged" });
  for (const type of ["text/plain", "application/x-www-form-urlencoded"]) {
    await send(`${origin}/cometd`, type === "text/plain" ? HELLO : `message=${encodeURIComponent(HELLO)}`, type);
    await send(`${origin}/api/publish`, publication, type);
  }
  const status = await byForm(page, `${origin}/cometd`, { message: HELLO });
  assert.equal(status, 403, "a form is refused");
  assert.ok((await sessions(origin)) <= before, "no session is made");
  const history = await post(undefined, origin, "/api/history", { channel });
  assert.equal(history.value.position?.offset ?? 0, 0, "nothing is published");
}

/** The status of a form that the page posts. */
async function byForm(page, action, fields) {
  const answered = page.waitForResponse((response) => response.url().startsWith(action), { timeout: 20_000 });
  await page.evaluate(
    (action, fields) => {
      const form = Object.assign(document.createElement("form"), { method: "POST", action });
      for (const [name, value] of Object.entries(fields)) form.append(Object.assign(document.createElement("input"), { name, value }));
      document.body.append(form);
      setTimeout(() => form.submit());
    },
    action,
    fields,
  );
  return (await answered).status();
}

/** E9: what pages of other sites may read. */
async function read({ page, origin, evil, listed }) {
  const act = () =>
    page.evaluate(
      (url, body) => {
        const ask = (init) => fetch(url, { method: "POST", body, ...init }).then((answer) => answer.text().then((text) => text.includes("clientId")), () => false);
        return Promise.all([ask({}), ask({ credentials: "include" }), ask({ headers: { "content-type": "application/json" } })]);
      },
      `${origin}/cometd`,
      HELLO,
    );
  await page.goto(`${origin}/comet.js`);
  assert.deepEqual(await act(), [true, true, true], "the server's own page reads");
  await page.goto(listed.origin);
  assert.deepEqual(await act(), [true, true, true], "a listed site reads");
  await page.goto(evil.origin);
  assert.deepEqual(await act(), [false, false, false]);
}

/** E11: nothing that a client is told may be kept by anybody. */
async function kept({ page, origin }) {
  await page.goto(`${origin}/comet.js`);
  const answers = await page.evaluate(async (hello) => {
    const query = `jsonp=f&message=${encodeURIComponent(hello)}`;
    const told = [await fetch("/cometd", { method: "POST", body: hello }), await fetch(`/cometd?${query}`), await fetch(`/cometd?${query}`)];
    const ids = await Promise.all(told.map((answer) => answer.text().then((text) => /"clientId":"(\w+)"/.exec(text)?.[1])));
    return told.map((answer, index) => [answer.headers.get("cache-control"), answer.headers.get("content-encoding"), ids[index]]);
  }, HELLO);
  for (const [cache, coding] of answers) assert.deepEqual([cache, coding], ["no-store", null]);
  const ids = new Set(answers.map(([, , id]) => id));
  assert.ok(ids.size === 3 && !ids.has(undefined), "the same address is asked anew each time");
}

/** E12: addresses that would lead to another site if a redirect were built of them. */
async function redirect({ page, origin, evil }) {
  const host = `localhost:${evil.port}`;
  const before = evil.visits.length;
  for (const path of [`//${host}/`, `/\\${host}/`, `/%5c${host}/`, `/%2f%2f${host}`, `/chat//${host}/..`, `/chat/..//${host}`, `//${host}/%2e%2e`]) {
    const response = await page.goto(origin + path).catch(() => undefined);
    assert.equal(new URL(page.url()).host, new URL(origin).host, path);
    assert.equal(response?.headers().location, undefined, path);
  }
  await pause(100);
  assert.equal(evil.visits.length, before, "nobody has come to the other site");
}

/** All of them, by their number in the list of known attacks. */
export const ATTACKS = [
  { name: "E3 a script of the server is not read by other sites", act: readByScript },
  { name: "E5 pages are not framed by other sites", act: frames },
  { name: "E7 a WebSocket of another site is refused", act: hijack },
  { name: "E8 posts of other sites do nothing", act: forge },
  { name: "E9 other sites read nothing, listed ones do", act: read },
  { name: "E11 answers are never kept", act: kept },
  { name: "E12 no address leads elsewhere", act: redirect },
];
