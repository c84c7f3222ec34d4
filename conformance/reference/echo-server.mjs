// A WebSocket echo of the package `ws`, against which the Autobahn runner itself is tried.
//   node reference/echo-server.mjs PORT

import { WebSocketServer } from "ws";

const server = new WebSocketServer({ port: Number(process.argv[2]), host: "127.0.0.1", maxPayload: 64 << 20 });
server.on("connection", (socket) => {
  socket.on("error", () => {});
  socket.on("message", (data, binary) => socket.send(data, { binary }));
});
server.on("listening", () => console.log(`listening on 127.0.0.1:${server.address().port}`));
