// A Faye server, against which the judges themselves are tried. Has no remote calls.
//   node reference/faye-server.mjs PORT

import { createServer } from "node:http";
import faye from "faye";

const server = createServer();
new faye.NodeAdapter({ mount: "/cometd", timeout: 5 }).attach(server);
server.listen(Number(process.argv[2]), "127.0.0.1", () => {
  console.log(`listening on 127.0.0.1:${server.address().port}`);
});
