/**
 * @file A small Bayeux server that knows one session at a time and answers its connects by streams: persistent frames and multipart
 * answers, as PROTOCOL.md tells them. It has so many numbered events for whoever connects, goes on where the client is, ends each
 * stream after some of them, and cuts one in the middle of a batch where it is told to. It also serves the test page, under any host name.
 */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { serveFile } from "./scripted-server.js";

/** What every event carries beside its number: all that could end a script, a line or a text. */
export const TEXT = "</script><script>window.injected = true</script><!--<script>-->&amp;\u2028\u2029\0\u{1f40e}é'\"\\\r\n--";
const TOGETHER = 50;
const BEAT_MS = 300;
const ESCAPES = { "<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029" };

const HANDS = {
  call: () => "frameElement.comet(b)",
  domain: () => "frameElement.comet(b)",
  message: (origin) => `parent.postMessage({comet:b},${JSON.stringify(origin)})`,
};

/**
 * How a stream is written.
 * @typedef {object} Form
 * @property {Record<string, string>} fields Of the head of the answer.
 * @property {string} beginning
 * @property {(messages: any[], last?: boolean) => string} batch
 */

/** @param {{ mode: string, domain?: string }} frame @param {string} origin Of the page. @returns {Form} */
function frameForm(frame, origin) {
  const nonce = randomUUID();
  const policy = `default-src 'none'; script-src 'nonce-${nonce}'; base-uri 'none'; frame-ancestors ${origin}`;
  const tag = (/** @type {string} */ text) => `<script nonce="${nonce}">${text}</script>`;
  const domain = frame.domain ? `document.domain=${JSON.stringify(frame.domain)};` : "";
  return {
    fields: { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy },
    beginning: `<!doctype html><meta charset="utf-8">${tag(`${domain}function p(b){document.currentScript.remove();${HANDS[frame.mode](origin)}}`)}`,
    batch: (messages) => tag(`p(${JSON.stringify(messages).replace(/[<>&\u2028\u2029]/g, (character) => ESCAPES[character])})`),
  };
}

/** @returns {Form} */
function partsForm() {
  const boundary = randomUUID().replaceAll("-", "");
  return {
    fields: { "Content-Type": `multipart/x-mixed-replace; boundary=${boundary}`, "X-Content-Type-Options": "nosniff" },
    beginning: `--${boundary}\r\n`,
    batch: (messages, last = false) => {
      const text = JSON.stringify(messages);
      return `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}\r\n--${boundary}${last ? "--" : ""}\r\n`;
    },
  };
}

/**
 * @typedef {object} Script
 * @property {number} events How many there are.
 * @property {number} each How many of them a stream brings.
 * @property {number} [cutAt] Behind how many one is cut.
 * @property {number} [timeoutMs] For how long a stream may be silent. 20,000.
 */

/**
 * A stream as the server has seen it: the mode of a frame, and where it was opened from.
 * @typedef {{ mode: string | undefined, referer: string | undefined, ended: Promise<unknown> }} Seen
 */

/**
 * @param {Script} script
 * @returns {Promise<{ port: number, streams: Seen[], close: () => Promise<unknown> }>}
 */
export async function startStreamServer(script) {
  /** @type {Seen[]} */
  const streams = [];
  /** @type {Map<string, { from: number, frame: any, origin: string }>} */
  const tickets = new Map();
  const advice = { reconnect: "retry", interval: 0, timeout: script.timeoutMs ?? 20_000 };
  let { cutAt } = script;

  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "/", `http://${request.headers.host}`);
    const origin = request.headers.origin ?? url.origin;
    // Pages that take a domain must have said so from the beginning.
    response.setHeader("Origin-Agent-Cluster", "?0");
    response.setHeader("Access-Control-Allow-Origin", origin).setHeader("Access-Control-Allow-Credentials", "true");
    if (url.pathname !== "/cometd") return void serveFile(response, url.pathname);
    if (request.method === "OPTIONS") return void response.writeHead(204, { "Access-Control-Allow-Headers": "content-type" }).end();
    if (request.method === "GET") {
      const opening = tickets.get(url.searchParams.get("ticket") ?? "");
      if (!opening) return void response.writeHead(400, { "Content-Type": "text/html" }).end();
      streams.push({ mode: opening.frame.mode, referer: request.headers.referer, ended: once(response, "close") });
      return stream(response, opening.from, frameForm(opening.frame, opening.origin), []);
    }
    let body = "";
    for await (const part of request) body += part;
    const messages = JSON.parse(body);
    const replies = messages.map((message) => answer(message, origin));
    if (messages[0].connectionType === "multipart" && messages[0].advice?.timeout !== 0) {
      streams.push({ mode: undefined, referer: request.headers.referer, ended: once(response, "close") });
      return stream(response, messages[0].ext.received, partsForm(), replies);
    }
    return void response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(replies));
  });

  /** @param {any} message @param {string} origin */
  function answer({ channel, id, connectionType, ext, advice: wish, subscription }, origin) {
    const reply = { channel, id, subscription, successful: true };
    const supportedConnectionTypes = ["iframe", "multipart"];
    if (channel === "/meta/handshake") return { ...reply, clientId: "c1", version: "1.0", supportedConnectionTypes, advice, ext: { received: true } };
    if (connectionType !== "iframe" || wish?.timeout === 0) return { ...reply, advice };
    const ticket = randomUUID();
    tickets.set(ticket, { from: ext.received, frame: ext.frame, origin });
    return { ...reply, advice: { ...advice, interval: 2_000 }, ext: { ticket } };
  }

  /** @param {import("node:http").ServerResponse} response @param {number} from @param {Form} form @param {any[]} first */
  async function stream(response, from, { fields, beginning, batch }, first) {
    /** @type {(value?: unknown) => void} */
    let goOn = () => {};
    response.on("drain", () => goOn()).on("close", () => goOn());
    response.writeHead(200, { "Cache-Control": "no-store", ...fields });
    response.write(beginning + batch(first));
    const end = Math.min(from + script.each, script.events);
    for (let number = from; number < end; number += TOGETHER) {
      const messages = Array.from({ length: Math.min(TOGETHER, end - number) }, (_, index) => {
        const offset = number + index + 1;
        return { channel: "/a", data: { number: offset, text: TEXT }, ext: { position: { epoch: "e", offset } } };
      });
      const text = batch(messages);
      if (cutAt !== undefined && number >= cutAt) {
        cutAt = undefined;
        return void response.write(text.slice(0, text.length / 2), () => response.destroy());
      }
      if (!response.write(text) && !response.destroyed) await new Promise((resolve) => (goOn = resolve));
    }
    if (end < script.events) return void response.end(batch([{ channel: "/meta/connect", successful: true, advice }], true));
    const beat = setInterval(() => response.write(batch([])), BEAT_MS);
    return void response.on("close", () => clearInterval(beat));
  }

  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { port: /** @type {any} */ (server.address()).port, streams, close };
}
