// Judge: the Faye client in Node, on `websocket` or `long-polling`. A second client of this process publishes.

// Faye would send even loopback traffic through a proxy named in the environment.
for (const name of ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"]) delete process.env[name];

const { default: faye } = await import("faye");
const { FayeClient } = await import("./client/faye.mjs");
const { options, Report } = await import("./report.mjs");
const { tell } = await import("./story/story.mjs");

const { url, transport, without } = options();
const report = new Report(without);
const world = {
  transport,
  check: (name, story) => report.check(name, story),
  restart: () => report.restart(),
};
await tell(new FayeClient(faye, url, transport), new FayeClient(faye, url, transport), world);
report.end();
