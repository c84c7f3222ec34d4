/**
 * @file A lane whose numbers come by one transport of Comet: a client of its own that has no other.
 * The client is the public one; what it does on the wire is seen by the taps it is given as its platform.
 */
import { Comet } from "/comet.js";
import { Gate } from "./gate.js";
import { hasFlash } from "./tap-flash.js";
import { tapPlatform } from "./tap.js";

export const CHANNEL = "/lab/counter";

/**
 * @param {import("./techniques.js").Technique} technique
 * @returns {import("./lane.js").Run}
 */
export function runComet({ name, cookies = false }) {
  return (lane) => {
    const { meter, wire } = lane;
    const platform = tapPlatform({ meter, wire, gate: new Gate(), cookies }, name);
    const comet = new Comet(`/cometd/lab/${name}`, { ...platform, transports: [name] });
    comet.subscribe(CHANNEL, ({ data, position }) => lane.onTick(data, position?.epoch));
    comet.addEventListener("state", (/** @type {any} */ { detail }) => {
      if (detail !== "connected" && detail !== "closed") lane.say(detail);
    });
    comet.addEventListener("error", (/** @type {any} */ { detail }) => {
      wire.note(`${detail.code}: ${detail.message}`);
      if (comet.state === "closed") lane.say(`failed: ${detail.code}`);
    });
    return () => void comet.close();
  };
}

/**
 * What can be used at all: the client says in its handshake what its platform can do, the server in its reply what it offers.
 * @param {readonly string[]} names
 * @returns {Promise<string[]>} In the order of `names`.
 */
export async function findTransports(names) {
  /** @type {Set<string>} */
  let ours = new Set();
  /** @type {Set<string>} */
  let theirs = new Set();
  const fetchOnce = async (/** @type {any} */ input, /** @type {any} */ init) => {
    ours = listed(init.body) ?? ours;
    const response = await fetch(input, { ...init, credentials: "omit" });
    theirs = listed(await response.clone().text()) ?? theirs;
    return response;
  };
  // The handshake goes by long polling, which every browser and every server has; the others are only named in it.
  const order = ["long-polling", ...names.filter((name) => name !== "long-polling")];
  const comet = new Comet("/cometd/lab/list", { transports: order, fetch: /** @type {any} */ (fetchOnce), upgradeAfterMs: 600_000 });
  await new Promise((resolve) => {
    comet.addEventListener("state", () => comet.state !== "connecting" && resolve(undefined));
  });
  await comet.close();
  const found = names.filter((name) => ours.has(name) && theirs.has(name));
  return found.includes("flash") && !(await hasFlash()) ? found.filter((name) => name !== "flash") : found;
}

/** @param {string} text A batch with a handshake, or the answer to one. */
function listed(text) {
  const [message] = JSON.parse(text);
  return Array.isArray(message.supportedConnectionTypes) ? new Set(message.supportedConnectionTypes) : undefined;
}
