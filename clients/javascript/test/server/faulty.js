/**
 * @file A front before a real server that misbehaves as proxies do, as it is told at `POST /fault`: upgrades that are refused, never
 * answered, killed, stalled or swallowed, answers that are held up, and wires that are cut when they are quiet. Under `/direct` it
 * passes everything on. It serves the test pages as well.
 */
import { createServer, request as send } from "node:http";
import { connect } from "node:net";
import { serveFile } from "../scripted-server.js";

/**
 * @typedef {object} Fault
 * @property {"refuse" | "hang"} [upgrade]
 * @property {number} [killMs] A WebSocket is cut so long after it opened.
 * @property {number} [killBytes] A WebSocket is cut when so much came from the server.
 * @property {number} [stallBytes] Of a WebSocket only so much comes from the server, and then nothing.
 * @property {boolean} [swallow] Nothing that a WebSocket carries to the server arrives.
 * @property {boolean} [vanish] WebSockets that are there, and no later ones, are gone for the server, while the client hears nothing of it.
 * @property {"all" | "body" | "rest"} [hold] Chunked answers are held to their end: all of them, all but their head, or all but their first piece.
 * @property {number} [idleMs] A WebSocket or stream that is quiet for so long is cut; a request that waits so long is answered with `status`.
 * @property {number} [status]
 */

/**
 * @param {URL} server Address of the real server, http.
 * @returns {Promise<{ url: string, close: () => Promise<void> }>}
 */
export async function startFaultyFront(server) {
  /** @type {Fault} */
  let fault = {};
  /** Since the last order: upgrades asked for, wires cut, streams begun. Ever: wires that are there. */
  const counts = { upgrades: 0, cuts: 0, streams: 0, open: 0 };
  /** @type {Set<() => void>} */
  const vanishing = new Set();
  /** What nobody will ever close, until the next order. @type {Set<import("node:stream").Duplex>} */
  const vanished = new Set();
  const sockets = new Set();
  const port = Number(server.port || 80);

  /** @param {import("node:http").IncomingMessage} request @param {import("node:http").ServerResponse} response */
  function forward(request, response, path, { hold, idleMs = 0, status = 504 }, direct = false) {
    counts.open += direct ? 0 : 1;
    const onward = send({ host: server.hostname, port, method: request.method, path, headers: request.headers }, (answer) => {
      const streams = answer.headers["transfer-encoding"] === "chunked";
      if (streams && !direct) counts.streams += 1;
      watch.refresh();
      if (!streams || !hold) {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.on("data", () => watch.refresh());
        return void answer.pipe(response);
      }
      const pieces = [];
      if (hold === "body") response.writeHead(answer.statusCode ?? 502, answer.headers).flushHeaders();
      answer.on("data", (piece) => {
        if (hold === "rest" && !response.headersSent) {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          response.write(piece);
        } else pieces.push(piece);
      });
      answer.on("end", () => {
        if (!response.headersSent) response.writeHead(answer.statusCode ?? 502, answer.headers);
        response.end(Buffer.concat(pieces));
      });
    });
    const watch = watchIdle(idleMs, () => {
      counts.cuts += 1;
      onward.destroy();
      if (response.headersSent) response.destroy();
      else response.writeHead(status).end();
    });
    onward.on("error", () => response.destroy());
    response.on("close", () => {
      counts.open -= direct ? 0 : 1;
      watch.end();
      onward.destroy();
    });
    request.pipe(onward);
  }

  const front = createServer(async (request, response) => {
    const path = request.url ?? "/";
    if (path === "/fault") {
      let body = "";
      for await (const piece of request) body += piece;
      if (body) {
        const { vanish, ...rest } = JSON.parse(body);
        fault = rest;
        Object.assign(counts, { upgrades: 0, cuts: 0, streams: 0 });
        for (const socket of vanished) socket.destroy();
        vanished.clear();
        if (vanish) for (const leave of [...vanishing]) leave();
      }
      return void response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(counts));
    }
    if (path.startsWith(`/direct${server.pathname}`)) return forward(request, response, path.slice(7), {}, true);
    if (!path.startsWith(server.pathname)) return void serveFile(response, path.split("?")[0], "no-cache");
    return forward(request, response, path, fault);
  });
  front.on("upgrade", (request, socket, head) => {
    const direct = request.url?.startsWith("/direct");
    const path = direct ? request.url?.slice(7) : request.url;
    const { upgrade, killMs = 0, killBytes = Infinity, stallBytes = Infinity, swallow, idleMs = 0 } = direct ? {} : fault;
    socket.on("error", () => {});
    if (!direct) {
      counts.upgrades += 1;
      counts.open += 1;
      socket.on("close", () => (counts.open -= 1));
    }
    if (upgrade === "refuse") return void socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    if (upgrade === "hang") return void vanished.add(socket);
    const fields = request.rawHeaders.map((text, index) => (index % 2 ? `${text}\r\n` : `${text}: `)).join("");
    const onward = connect(port, server.hostname, () => {
      onward.write(`GET ${path} HTTP/1.1\r\n${fields}\r\n`);
      onward.write(head);
    });
    const cut = () => {
      counts.cuts += 1;
      socket.destroy();
      onward.destroy();
    };
    const watch = watchIdle(idleMs, cut);
    const killer = killMs ? setTimeout(cut, killMs) : undefined;
    let bytes = 0;
    onward.on("data", (piece) => {
      watch.refresh();
      bytes += piece.length;
      if (bytes > killBytes) return cut();
      if (bytes <= stallBytes) socket.write(piece);
    });
    socket.on("data", (/** @type {Buffer} */ piece) => {
      watch.refresh();
      if (!swallow && onward.writable) onward.write(piece);
    });
    const end = () => {
      clearTimeout(killer);
      watch.end();
      vanishing.delete(vanish);
      onward.destroy();
      socket.destroy();
    };
    const vanish = () => {
      onward.off("close", end);
      onward.destroy();
      vanished.add(socket);
    };
    if (!direct) vanishing.add(vanish);
    if (swallow) vanished.add(socket);
    onward.on("close", end);
    onward.on("error", end);
    socket.on("close", end);
  });
  front.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise((resolve) => front.listen(0, "127.0.0.1", () => resolve(undefined)));
  return {
    url: `http://127.0.0.1:${/** @type {import("node:net").AddressInfo} */ (front.address()).port}`,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => front.close(() => resolve(undefined)));
    },
  };
}

/** @param {number} idleMs 0: never. @param {() => void} onIdle */
function watchIdle(idleMs, onIdle) {
  const timer = idleMs ? setTimeout(onIdle, idleMs) : undefined;
  return { refresh: () => void timer?.refresh(), end: () => clearTimeout(timer) };
}
