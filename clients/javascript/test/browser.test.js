/**
 * @file Takes every journey in Chromium and in Firefox, against the scripted server, with the client served as it is written.
 */
import { after, describe, test } from "node:test";
import { BROWSERS, openBrowser } from "./browser.js";
import { startScriptedServer } from "./scripted-server.js";

for (const name of Object.keys(BROWSERS)) {
  const server = await startScriptedServer();
  const browser = await openBrowser(name, `${server.url}/test/page.html?scripted`);
  describe(`in ${name}`, () => {
    after(async () => {
      await browser.close();
      await server.close();
    });
    for (const [index, journey] of browser.names.entries()) {
      test(journey, { timeout: 30_000 }, async () => {
        const failure = await browser.take(index);
        if (failure) throw new Error(failure);
      });
    }
  });
}
