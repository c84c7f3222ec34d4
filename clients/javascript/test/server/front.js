/**
 * @file Serves the test page and forwards everything under the address of a real server to it, so that browsers may meet both as one origin.
 * Requests and upgrades are passed on as they are; nothing is kept or changed.
 */
import { createServer, request as send } from "node:http";
import { connect } from "node:net";
import { serveFile } from "../scripted-server.js";

/**
 * @param {URL} server Address of the real server, http.
 * @param {number} [listenPort] A free one, unless given.
 * @returns {Promise<{ url: string, upgraded: Set<import("node:net").Socket>, held: Map<object, string>, close: () => Promise<void> }>}
 *   `upgraded` are the WebSockets that are open, `held` the requests of the server that are not answered yet, each with its host.
 */
export async function startFront(server, listenPort = 0) {
  const sockets = new Set();
  const [upgraded, held] = [new Set(), new Map()];
  const port = Number(server.port || 80);
  const front = createServer((request, response) => {
    const path = request.url ?? "/";
    if (!path.startsWith(server.pathname)) return void serveFile(response, path.split("?")[0]);
    const onward = send({ host: server.hostname, port, method: request.method, path, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    held.set(request, request.headers.host ?? "");
    response.on("close", () => {
      held.delete(request);
      onward.destroy();
    });
    return void request.pipe(onward);
  });
  front.on("upgrade", (request, socket, head) => {
    const fields = request.rawHeaders.map((text, index) => (index % 2 ? `${text}\r\n` : `${text}: `)).join("");
    const onward = connect(port, server.hostname, () => {
      onward.write(`GET ${request.url} HTTP/1.1\r\n${fields}\r\n`);
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    onward.on("error", () => socket.destroy());
    socket.on("error", () => onward.destroy());
    // What the server has let go counts no more, however long the browser takes to see it.
    upgraded.add(onward);
    onward.on("close", () => upgraded.delete(onward));
  });
  front.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise((resolve) => front.listen(listenPort, "127.0.0.1", () => resolve(undefined)));
  return {
    url: `http://127.0.0.1:${/** @type {import("node:net").AddressInfo} */ (front.address()).port}`,
    upgraded,
    held,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => front.close(() => resolve(undefined)));
    },
  };
}
