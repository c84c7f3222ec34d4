// A page of another origin for the clients that run in a browser: a small HTTP server that serves the story and the
// clients' own files, and a headless Chromium that opens it. The page's cases come back through the report.

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import puppeteer from "puppeteer-core";
import { CHROMIUM } from "../clients/javascript/test/browsers.js";
import { Report } from "./report.mjs";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const SERVED = ["story", "client", "node_modules/cometd", "node_modules/faye/client"];
const TYPES = { ".js": "text/javascript", ".mjs": "text/javascript" };

async function answer(request, response) {
  const path = normalize(new URL(request.url, "http://page").pathname).slice(1);
  if (path === "") {
    return response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>judge</title>");
  }
  if (!SERVED.some((folder) => path.startsWith(`${folder}/`))) return response.writeHead(404).end();
  try {
    const body = await readFile(join(HERE, path));
    response.writeHead(200, { "content-type": TYPES[extname(path)] ?? "text/plain" }).end(body);
  } catch {
    response.writeHead(404).end();
  }
}

/**
 * Opens a page that can report, lets `act` use it, and ends the process.
 *
 * @param {{ without: Set<string>, pagePort: number }} options
 * @param {(page: import("puppeteer-core").Page, report: Report) => Promise<void>} act
 */
export async function withPage({ without, pagePort }, act) {
  const server = createServer(answer);
  await new Promise((resolve, reject) => {
    server.once("error", reject).listen(pagePort, "127.0.0.1", resolve);
  });
  const browser = await puppeteer.launch(CHROMIUM);
  const report = new Report(without);
  try {
    const page = await browser.newPage();
    page.on("pageerror", (error) => console.error(`page: ${error.message}`));
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    await act(page, report);
  } finally {
    await browser.close();
    server.close();
  }
  report.end();
}

/**
 * Tells the story in a page and ends the process.
 *
 * @param {{ url: string, transport: string, without: Set<string>, pagePort: number }} options
 * @param {string[]} scripts classic scripts the page loads first
 * @param {string} maker body of an async function `(url, transport)` that runs in the page and returns a client
 */
export async function tellInPage(options, scripts, maker) {
  await withPage(options, async (page, report) => {
    await page.exposeFunction("wants", (name) => report.wants(name));
    await page.exposeFunction("record", (name, verdict, words) => report.record(name, verdict, words));
    await page.exposeFunction("reached", () => report.reached);
    await page.exposeFunction("restartServer", () => report.restart());
    for (const script of scripts) await page.addScriptTag({ url: script });
    await page.evaluate(
      async (url, transport, maker) => {
        const { tell } = await import("/story/story.mjs");
        const check = async (name, story) => {
          if (!(await window.wants(name))) return;
          if (!(await window.reached())) return window.record(name, "failed", "not reached");
          const words = await Promise.resolve()
            .then(story)
            .then(() => "", (error) => error.message || "failed");
          await window.record(name, words ? "failed" : "ok", words);
        };
        const client = await new Function("url", "transport", `return (async () => {${maker}})()`)(url, transport);
        await tell(client, client, { transport, check, restart: () => window.restartServer() });
      },
      options.url,
      options.transport,
      maker,
    );
  });
}
