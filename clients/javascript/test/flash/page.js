/**
 * @file What a page does in the tests of the `flash` transport: each journey returns what it has seen, and the test in Node judges.
 * It runs under a policy that forbids code made of text.
 */
import { Comet } from "/comet/index.js";

const server = new URLSearchParams(location.search).get("server");
const flash = { ruffle: `${server}/comet/flash/ruffle/ruffle.js`, movie: `${server}/comet/flash/bridge.swf` };

window.violations = [];
document.addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) => window.violations.push(`${effectiveDirective} ${blockedURI}`));

/** Whether this page may make code of text. A debugger always may, so it is tried before one asks. */
function evaluates() {
  try {
    return Boolean(new Function("return 1"));
  } catch {
    return false;
  }
}
window.evaluates = evaluates();
window.violations.length = 0;

/** @param {object} [options] */
const connect = (options) => new Comet(`${server}/cometd`, { transports: ["flash"], flash, openTimeoutMs: 10_000, ...options });

/** @param {() => boolean} condition */
async function until(condition) {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

/**
 * @param {unknown} data
 * @param {object} [options]
 */
async function echo(data, options) {
  const comet = connect(options);
  /** @type {unknown[]} */
  const heard = [];
  await comet.subscribe("/flash/echo", (event) => heard.push(event.data)).ready;
  await comet.publish("/flash/echo", data);
  await until(() => heard.length > 0);
  const { transport } = comet;
  await comet.close();
  return { transport, same: heard[0] === data || JSON.stringify(heard[0]) === JSON.stringify(data) };
}

/** @type {{ comet: Comet, heard: number[], gaps: number, errors: string[], transports: string[] } | undefined} */
let long;

window.journeys = {
  // The player takes longer than any head start, and nothing may be sent before there is a line.
  text: () => echo({ text: "é€😀\u2028\u2029\0\u0001</script>]]>&amp;\"\\", list: [null, 1.5, true] }, { headStartMs: 0 }),
  megabyte: () => echo("é".repeat(400_000)),
  async begin() {
    const comet = connect({ transports: ["flash", "long-polling"], backoffBaseMs: 50, backoffCapMs: 200 });
    long = { comet, heard: [], gaps: 0, errors: [], transports: [] };
    comet.addEventListener("transport", ({ detail }) => long.transports.push(detail));
    comet.addEventListener("error", ({ detail }) => long.errors.push(detail.code));
    const subscription = comet.subscribe("/flash/count", ({ data }) => long.heard.push(data));
    subscription.addEventListener("gap", () => (long.gaps += 1));
    await subscription.ready;
    await until(() => comet.transport !== undefined);
    return comet.transport;
  },
  async heard(count) {
    await until(() => long.heard.length >= count);
    return { heard: long.heard.splice(0), gaps: long.gaps, errors: long.errors.splice(0), transport: long.comet.transport };
  },
  /** It has come back to a server that began anew, which tells it that something may be missing. */
  async back() {
    await until(() => long.gaps > 0 && long.comet.state === "connected");
  },
  async move(name) {
    await long.comet.switchTransport(name);
    return long.comet.transport;
  },
  async end() {
    await long.comet.close();
    return { state: long.comet.state, players: document.querySelectorAll("ruffle-player").length };
  },
  /** What is not there fails like any transport, and the next one is taken. */
  async without(missing) {
    const comet = connect({ transports: ["flash", "long-polling"], flash: { ...flash, ...missing } });
    await comet.subscribe("/flash/other", () => {}).ready;
    await until(() => comet.transport !== undefined);
    const { transport } = comet;
    await comet.close();
    return transport;
  },
};
window.isReady = true;
