/**
 * @file The page the Dynode tests act on: it makes the Dynodes and writes down what they tell. Addresses come in the query.
 */
import { Dynodes } from "/comet/dynode.js";

const port = location.port;
const script = `http://b.localhost:${port}`;
const foreign = `http://c.localhost:${port}`;
document.querySelector("#script").dataset.dynode = `${script}/ask/script`;
document.querySelector("#script-foreign").dataset.dynode = `${foreign}/ask/script`;

window.told = [];
window.channels = new Map();
/** Stands in for a client. */
const comet = {
  subscribe(channel, callback) {
    if (!channel.startsWith("/")) throw new TypeError("no channel");
    window.channels.set(channel, callback);
    return { unsubscribe: () => window.channels.delete(channel) };
  },
};
window.dynodes = new Dynodes({ comet, scripts: [script, foreign], timeoutMs: 3_000, most: 2 });
for (const type of ["applied", "refused"]) {
  window.dynodes.addEventListener(type, ({ detail }) => window.told.push(`${type} ${detail.element.id}${detail.code ? ` ${detail.code}` : ""}`));
}
window.ready = true;
