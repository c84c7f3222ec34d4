// Judge: the official CometD client in Node, on `websocket` or `long-polling`. A second process publishes.

import { fork } from "node:child_process";
import { CometD } from "cometd";
import { adapt } from "cometd-nodejs-client";
import { CometDClient } from "./client/cometd.mjs";
import { options, Report } from "./report.mjs";
import { tell } from "./story/story.mjs";

const { url, transport, without } = options();
// Standard output belongs to the report; the client writes its diary to the console.
console.debug = console.info = console.log = console.warn = console.error;
adapt();
console.debug = () => {};

// The adapter keeps one cookie jar a process, and two sessions of one jar count as two tabs of one browser.
const child = fork(new URL("./cometd-publisher.mjs", import.meta.url), [url, transport], {
  stdio: ["ignore", "ignore", "inherit", "ipc"],
});
const waiting = new Map();
let calls = 0;
child.on("message", ({ call, error }) => {
  const { resolve, reject } = waiting.get(call);
  waiting.delete(call);
  if (error === undefined) resolve();
  else reject(new Error(error));
});
const remote = (verb) => (...args) =>
  new Promise((resolve, reject) => {
    const call = calls++;
    waiting.set(call, { resolve, reject });
    child.send({ call, verb, args });
  });
const publisher = { open: remote("open"), publish: remote("publish"), close: remote("close") };

const report = new Report(without);
const world = {
  transport,
  check: (name, story) => report.check(name, story),
  restart: () => report.restart(),
};
await tell(new CometDClient(CometD, url, transport), publisher, world);
child.kill();
report.end();
