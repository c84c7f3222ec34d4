// The second client of the judge `cometd-client`: does what its parent process asks of it.

import { CometD } from "cometd";
import { adapt } from "cometd-nodejs-client";
import { CometDClient } from "./client/cometd.mjs";

const [url, transport] = process.argv.slice(2);
adapt();
const client = new CometDClient(CometD, url, transport);
process.on("message", async ({ call, verb, args }) => {
  try {
    await client[verb](...args);
    process.send({ call });
  } catch (error) {
    process.send({ call, error: error.message });
  }
});
process.on("disconnect", () => process.exit(0));
