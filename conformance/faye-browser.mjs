// Judge: the Faye client in Chromium, in a page of another origin, on `websocket`, `cross-origin-long-polling` or
// `callback-polling`. The server has to allow the page's origin, `http://127.0.0.1:PAGE_PORT`.

import { tellInPage } from "./page.mjs";
import { options } from "./report.mjs";

await tellInPage(
  options(),
  ["/node_modules/faye/client/faye-browser.js"],
  `const { FayeClient } = await import("/client/faye.mjs");
   return new FayeClient(window.Faye, url, transport);`,
);
