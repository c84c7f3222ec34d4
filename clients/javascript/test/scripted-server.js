/**
 * @file A small Bayeux server that misbehaves on request: the other end of every test that needs a network.
 * Each test has a world of its own under `/cometd/<world>`, with its own sessions, script and journal of what arrived.
 * It speaks long polling, callback polling and WebSocket; `scripted-world.js` holds the Bayeux part.
 */
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { acceptWebSocket } from "./scripted-socket.js";
import { World } from "./scripted-world.js";

const TYPES = { ".js": "text/javascript; charset=utf-8", ".html": "text/html; charset=utf-8" };
const ROOT = new URL("../", import.meta.url);

/**
 * Starts the server on a free loopback port.
 * @returns {Promise<{ url: string, world: (name: string) => World, close: () => Promise<void> }>}
 */
export async function startScriptedServer() {
  /** @type {Map<string, World>} */
  const worlds = new Map();
  const sockets = new Set();
  const world = (name) => worlds.get(name) ?? worlds.set(name, new World()).get(name);
  const server = createServer((request, response) => {
    serve(request, response, world).catch((error) => {
      response.writeHead(500).end(String(error?.stack));
    });
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
  });
  server.on("upgrade", (request, socket) => {
    const name = worldOf(request.url);
    if (!name || world(name).script.refuseWebSocket) return socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    if (world(name).script.hangWebSocket) return undefined;
    return world(name).onSocket(acceptWebSocket(request, socket));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    world,
    close: () => {
      for (const each of worlds.values()) each.close();
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve(undefined)));
    },
  };
}

/** @param {string | undefined} url */
function worldOf(url) {
  return /^\/cometd\/([\w-]+)/.exec(url ?? "")?.[1];
}

/**
 * @param {import("node:http").IncomingMessage} request
 * @param {import("node:http").ServerResponse} response
 * @param {(name: string) => World} world
 */
async function serve(request, response, world) {
  const url = new URL(request.url ?? "/", "http://loopback");
  const name = worldOf(url.pathname);
  if (name) return world(name).onRequest(request, response, url, await bodyOf(request));
  const control = /^\/control\/([\w-]+)$/.exec(url.pathname)?.[1];
  if (control) return answerControl(response, world(control), JSON.parse(await bodyOf(request)));
  return serveFile(response, url.pathname);
}

/**
 * Lets a page in a browser write its world's script, as a test in Node does directly.
 * @param {import("node:http").ServerResponse} response
 * @param {World} world
 * @param {{ act: string, arguments: unknown[] }} order
 */
async function answerControl(response, world, order) {
  const result = await world.act(order.act, order.arguments);
  response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify({ result }));
}

/**
 * @param {import("node:http").ServerResponse} response
 * @param {string} path
 * @param {string} [cacheControl] Browsers put no page aside that may not be stored.
 */
export async function serveFile(response, path, cacheControl = "no-store") {
  const file = path.startsWith("/comet/") ? `src/${path.slice(7)}` : path.startsWith("/test/") ? path.slice(1) : undefined;
  const type = TYPES[/\.\w+$/.exec(path)?.[0] ?? ""];
  if (!file || !type || path.includes("..")) return response.writeHead(path === "/favicon.ico" ? 204 : 404).end();
  const text = await readFile(new URL(file, ROOT)).catch(() => undefined);
  if (text === undefined) return response.writeHead(404).end();
  return response.writeHead(200, { "Content-Type": type, "Cache-Control": cacheControl }).end(text);
}

/** @param {import("node:http").IncomingMessage} request */
async function bodyOf(request) {
  let body = "";
  request.setEncoding("utf8");
  for await (const chunk of request) body += chunk;
  return body;
}
