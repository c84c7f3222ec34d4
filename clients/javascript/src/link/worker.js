/**
 * @file The script of the shared worker: a host that outlives every single tab. Its name is that of the link, which all of its tabs
 * have worked out from the same address, options and identity. It ends with the last page that holds it, by the browser's doing.
 */
import { Host } from "./host.js";
import { held, onFree } from "./lock.js";
import { hostLock, tabLock } from "./name.js";
import { channelPort } from "./port.js";

const host = new Host({ watch: (tab, run) => onFree(tabLock(tab), run) });
// Before anybody is welcomed: whoever knows this host waits for its lock.
const living = held(hostLock(host.id));

/** @type {any} */ (globalThis).onconnect = async (/** @type {MessageEvent} */ { ports: [port] }) => {
  await living;
  host.attach(channelPort(port));
};
