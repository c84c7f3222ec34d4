// The one story every JavaScript judge tells: meet, listen, hear 1,000 numbered messages, call, survive a restart,
// leave. Runs unchanged in Node and in a page. It knows the clients only as { open, subscribe, publish, call, close }
// and the world only as { check, restart }, so a new judge is one adapter.

import { Sequence } from "./sequence.mjs";

const CHANNEL = "/judge/numbers";
const PATTERN = "/judge/*";
const MESSAGES = 1_000;
const MESSAGES_AFTER_RESTART = 100;
// Small enough for one URL of 2,000 characters, so that callback polling need not split a group.
const GROUP = 8;
const RUN_TIMEOUT_MS = 90_000;
const RETURN_TIMEOUT_MS = 60_000;
const MOVE_TIMEOUT_MS = 5_000;
const PROBE_EVERY_MS = 300;
// A repeated message shows up a little after the last one that was missing.
const SETTLE_MS = 500;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Rejects when `promise` has not settled within `ms`. */
export function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${ms / 1000} s`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/**
 * Tells the story to the end.
 *
 * @param {object} listener the client that subscribes
 * @param {object} publisher the client that publishes; may be the listener itself
 * @param {{ check: Function, restart: Function, transport: string }} world `check(name, story)` records one case;
 *   `restart()` resolves once the server was killed and is up again
 */
export async function tell(listener, publisher, world) {
  let hear = () => {};

  await world.check("handshake", async () => {
    await within(20_000, "the handshake", listener.open());
    if (publisher !== listener) await within(20_000, "the publisher's handshake", publisher.open());
  });

  await world.check("wildcard-subscribe", () =>
    within(20_000, "the subscription", listener.subscribe(PATTERN, (data) => hear(data))),
  );

  await world.check("transport", async () => {
    // Faye meets on one transport and moves to another.
    const end = Date.now() + MOVE_TIMEOUT_MS;
    while (listener.transport() !== world.transport) {
      if (Date.now() > end) throw new Error(`the client chose ${listener.transport()}`);
      await pause(PROBE_EVERY_MS);
    }
  });

  const run = async (name, count) => {
    const sequence = new Sequence(count);
    hear = (data) => data.run === name && sequence.add(data.number);
    const sent = (async () => {
      for (let first = 0; first < count; first += GROUP) {
        const size = Math.min(GROUP, count - first);
        const group = Array.from({ length: size }, (_, index) => ({ run: name, number: first + index }));
        await publisher.publish(CHANNEL, group);
      }
    })();
    const outcome = within(RUN_TIMEOUT_MS, `the run of ${count}`, Promise.all([sent, sequence.complete]));
    const problem = await outcome.then(() => "", (error) => error.message);
    if (!problem) await pause(SETTLE_MS);
    const fault = [problem, sequence.fault()].filter(Boolean).join("; ");
    if (fault) throw new Error(fault);
  };

  await world.check("ordered-publishes", () => run("before", MESSAGES));

  await world.check("remote-call", async () => {
    const question = { text: "gr\u00fc\u00df dich \u2028 \u{1F44B}", deep: [1, null, { yes: true }] };
    const answer = await within(20_000, "the remote call", listener.call("/echo", question));
    if (JSON.stringify(answer) !== JSON.stringify(question)) {
      throw new Error(`asked ${JSON.stringify(question)}, was answered ${JSON.stringify(answer)}`);
    }
  });

  await world.check("reconnect", async () => {
    let heard = false;
    hear = (data) => (heard ||= data.run === "probe");
    await world.restart();
    const end = Date.now() + RETURN_TIMEOUT_MS;
    while (!heard) {
      if (Date.now() > end) throw new Error(`nothing heard ${RETURN_TIMEOUT_MS / 1000} s after the restart`);
      // Refused while the publisher is still away; the next probe tries again.
      Promise.resolve(publisher.publish(CHANNEL, [{ run: "probe", number: 0 }])).catch(() => {});
      await pause(PROBE_EVERY_MS);
    }
  });

  await world.check("ordered-publishes-after-reconnect", () => run("after", MESSAGES_AFTER_RESTART));

  await world.check("disconnect", async () => {
    await within(20_000, "the disconnect", listener.close());
    if (publisher !== listener) await within(20_000, "the publisher's disconnect", publisher.close());
  });
}
