// Judge: the official CometD client in Chromium, in a page of another origin, on `websocket`, `long-polling` or
// `callback-polling`. The server has to allow the page's origin, `http://127.0.0.1:PAGE_PORT`.

import { tellInPage } from "./page.mjs";
import { options } from "./report.mjs";

await tellInPage(
  options(),
  [],
  `const { CometD } = await import("/node_modules/cometd/cometd.js");
   const { CometDClient } = await import("/client/cometd.mjs");
   return new CometDClient(CometD, url, transport);`,
);
