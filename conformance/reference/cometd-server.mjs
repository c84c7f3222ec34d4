// The CometD project's Node server, against which the judges themselves are tried. Speaks long polling only and
// cannot answer a remote call with the caller's id.
//   node reference/cometd-server.mjs PORT

import { createServer } from "node:http";
import cometd from "cometd-nodejs-server";

const bayeux = cometd.createCometDServer({ timeout: 5_000 });
const server = createServer(bayeux.handle);
server.listen(Number(process.argv[2]), "127.0.0.1", () => {
  console.log(`listening on 127.0.0.1:${server.address().port}`);
});
