// The ways to a server: straight, or through nginx or HAProxy with the samples of docs/proxies as they stand; only addresses are
// put in the lines that the samples mark for it.

import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort, Place } from "./place.mjs";

const SAMPLES = fileURLToPath(new URL("../../docs/proxies/", import.meta.url));
const FOLDERS = ["/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin"];

const MAKES = {
  nginx: {
    sample: "nginx.conf",
    changes: (port, target) => [
      ["server 127.0.0.1:8000;", `server 127.0.0.1:${target};`],
      ["listen 127.0.0.1:8080;", `listen 127.0.0.1:${port};`],
    ],
    // One process: a killed one leaves no worker behind.
    flags: (folder, file) => {
      const globals = `daemon off; master_process off; pid ${folder}/pid;`;
      return ["-p", folder, "-e", "stderr", "-g", globals, "-c", file];
    },
  },
  haproxy: {
    sample: "haproxy.cfg",
    changes: (port, target) => [
      ["server comet1 127.0.0.1:8000 ", `server comet1 127.0.0.1:${target} `],
      ["bind 127.0.0.1:8080 ", `bind 127.0.0.1:${port} `],
    ],
    flags: (folder, file) => ["-db", "-f", file],
  },
};

/**
 * Opens a way to a server.
 *
 * @param {string} route of the table
 * @param {Place} server
 * @returns {Promise<{ origin: string, close: () => Promise<void> }>}
 */
export async function openRoute(route, server) {
  if (route === "direct") return { origin: server.origin, close: async () => {} };
  const make = MAKES[route];
  const program = FOLDERS.map((folder) => join(folder, route)).find((path) => existsSync(path));
  if (!program) throw new Error(`${route} is not installed; \`cargo xtask setup\` installs it`);
  const folder = await Place.folder(route);
  const port = await freePort();
  const file = join(folder, make.sample);
  await writeFile(file, await changed(route, port, server.port));
  return new Place(port, folder, [program, ...make.flags(folder, file)]).start();
}

/** The sample of a proxy that listens on one port and goes to a server on another. */
export async function changed(route, port, target) {
  const { sample, changes } = MAKES[route];
  let text = await readFile(join(SAMPLES, sample), "utf8");
  for (const [from, to] of changes(port, target)) {
    if (text.split(from).length !== 2) throw new Error(`${JSON.stringify(from)} does not stand once in ${sample}`);
    text = text.replace(from, to);
  }
  return text;
}
