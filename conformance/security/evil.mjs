// A site of somebody else: pages without any policy of their own, on another host than the server, and a count of who came to it.

import { createServer } from "node:http";

/** Opens the site on a free port. */
export async function openEvilSite() {
  const visits = [];
  const server = createServer((request, response) => {
    visits.push(request.url);
    response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>evil</title><body>");
  });
  await new Promise((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  return {
    // Another name than the server's, so that it is another site for cookies as well.
    origin: `http://localhost:${port}`,
    // The same pages under the server's own name, whose cookies they have.
    neighbour: `http://127.0.0.1:${port}`,
    port,
    visits,
    close: () => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))),
  };
}
