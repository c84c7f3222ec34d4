// Judge: the official CometD client in Node, on `websocket` or `long-polling`. A second process publishes.

import { CometD } from "cometd";
import { adapt } from "cometd-nodejs-client";
import { CometDClient } from "./client/cometd.mjs";
import { options, Report } from "./report.mjs";
import { secondClient } from "./second.mjs";
import { tell } from "./story/story.mjs";

const { url, transport, without } = options();
// Standard output belongs to the report; the client writes its diary to the console.
console.debug = console.info = console.log = console.warn = console.error;
adapt();
console.debug = () => {};

const publisher = secondClient(url, transport);
const report = new Report(without);
const world = {
  transport,
  check: (name, story) => report.check(name, story),
  restart: () => report.restart(),
};
await tell(new CometDClient(CometD, url, transport), publisher, world);
publisher.end();
report.end();
