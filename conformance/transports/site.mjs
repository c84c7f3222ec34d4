// A site of its own that serves the client and pages without a policy, on another host than any server: the home of pages abroad.

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";

const SOURCES = new URL("../../clients/javascript/src/", import.meta.url);

/** Opens it on a free port. */
export async function openSite() {
  const server = createServer(async (request, response) => {
    const path = new URL(request.url, "http://site").pathname;
    const type = { "content-type": "text/javascript; charset=utf-8" };
    if (path === "/comet.js") return response.writeHead(200, type).end('export * from "./source/index.js";');
    // Addresses have no dots left that would lead out of the folder.
    const source = path.startsWith("/source/") && (await readFile(new URL(path.slice("/source/".length), SOURCES)).catch(() => undefined));
    if (source) response.writeHead(200, type).end(source);
    else response.writeHead(404).end();
  });
  await new Promise((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  return {
    // Another name than the servers', so that it is another site for cookies as well.
    origin: `http://localhost:${server.address().port}`,
    close: () => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))),
  };
}
