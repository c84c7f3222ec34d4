// A second client for judges in Node, in a process of its own: the adapter keeps one cookie jar a process, and two
// sessions of one jar count as two tabs of one browser.

import { fork } from "node:child_process";

/** Starts the process; the client has the verbs `open`, `publish` and `close`, and `end` ends the process. */
export function secondClient(url, transport) {
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
  return { open: remote("open"), publish: remote("publish"), close: remote("close"), end: () => child.kill() };
}
