// The program `comet` as a run uses it: a roomy one whose channels survive on disk, and a tight one that ends its streams after a
// few kilobytes and remembers little for each session, so that recycling and slow readers are met within seconds.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort, Place } from "./place.mjs";
import { post } from "./sender.mjs";

/** The movie and the player of `flash`; `cargo xtask flash` makes them. */
const FLASH = fileURLToPath(new URL("../../clients/flash/out", import.meta.url));

const common = (journal, origins) => `
[http]
allowed_origins = ${JSON.stringify(origins)}
trusted_proxies = ["127.0.0.1"]
[flash]
websocket = true
files = ${JSON.stringify(FLASH)}
[journal]
path = ${JSON.stringify(journal)}
[channels]
messages = 50000
bytes = "64MiB"
`;

const ROOMY = `
durability = "stored"
[session]
timeout = "5s"
poll_interval = "200ms"
mailbox_messages = 20000
mailbox_bytes = "16MiB"
retained_messages = 20000
retained_bytes = "16MiB"
recovery_messages = 50000
recovery_bytes = "64MiB"
[limits]
drain = "2s"
`;

const TIGHT = `
[session]
timeout = "2s"
poll_interval = "200ms"
mailbox_messages = 300
mailbox_bytes = "256KiB"
retained_messages = 600
retained_bytes = "256KiB"
recovery_messages = 50000
recovery_bytes = "64MiB"
[limits]
stream_bytes = "4KiB"
stream_age = "2s"
`;

/**
 * Starts one.
 *
 * @param {string} program path of `comet`
 * @param {"roomy" | "tight"} kind
 * @param {{ verb?: "serve" | "demo", origins?: string[] }} [options] `demo` brings the pages of the applications; other sites whose
 *   pages may talk to it
 */
export async function startServer(program, kind, { verb = "serve", origins = [] } = {}) {
  const folder = await Place.folder(kind);
  const file = join(folder, "comet.toml");
  await writeFile(file, common(join(folder, "journal"), origins) + (kind === "roomy" ? ROOMY : TIGHT));
  const port = await freePort();
  const listen = ["--listen", `127.0.0.1:${port}`, "--internal-listen", "127.0.0.1:0"];
  return new Place(port, folder, [program, verb, ...listen, "--config", file]).start();
}

/** The transports that the program announces when it has all that each of them needs. */
export async function announced(program) {
  const server = await startServer(program, "roomy");
  try {
    const hello = [{ channel: "/meta/handshake", version: "1.0", supportedConnectionTypes: ["long-polling"] }];
    const { value } = await post(undefined, server.origin, "/cometd", hello);
    return value[0].supportedConnectionTypes;
  } finally {
    await server.close();
  }
}
