// The CometD project's Node server, against which the judges themselves are tried. Speaks long polling only and
// cannot answer a remote call with the caller's id.
//   node reference/cometd-server.mjs PORT

import { createServer } from "node:http";
import cometd from "cometd-nodejs-server";
import acknowledgement from "cometd-nodejs-server/ack-extension.js";

const bayeux = cometd.createCometDServer({ timeout: 5_000 });
bayeux.addExtension(new acknowledgement.AcknowledgedMessagesExtension());
const server = createServer((request, response) => {
  // The server leaves other origins to whoever embeds it.
  response.setHeader("access-control-allow-origin", request.headers.origin ?? "null");
  response.setHeader("access-control-allow-credentials", "true");
  response.setHeader("access-control-allow-headers", "content-type");
  if (request.method === "OPTIONS") return response.end();
  bayeux.handle(request, response);
});
server.listen(Number(process.argv[2]), "127.0.0.1", () => {
  console.log(`listening on 127.0.0.1:${server.address().port}`);
});
