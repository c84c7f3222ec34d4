/**
 * @file The ways from before Comet: a page that is loaded again and again, and a request every three seconds.
 * Numbers are reported to the lane; a poll that comes too late for some shows only the newest.
 */
import { bytesOf } from "./meter.js";

const POLL_MS = 3_000;
const HEAD_BYTES = 300;

/** Every load is a whole page in a frame. @type {import("./lane.js").Run} */
export function runReload(lane) {
  const frame = document.createElement("iframe");
  frame.title = "A page that loads itself again every three seconds";
  const onLoad = () => {
    const page = frame.contentDocument;
    const data = /** @type {HTMLDataElement | null} */ (page?.getElementById("number") ?? null);
    if (!page || !data) return;
    const [load] = /** @type {any[]} */ (frame.contentWindow?.performance.getEntriesByType("navigation") ?? []);
    const styles = /** @type {any[]} */ (frame.contentWindow?.performance.getEntriesByType("resource") ?? []);
    for (const entry of [load, ...styles]) {
      lane.meter.onRequest();
      lane.meter.onBytes(entry?.transferSize || HEAD_BYTES);
    }
    lane.wire.up("GET /lab/live/page.html");
    lane.wire.down(`200 text/html\n${page.documentElement.outerHTML}`);
    lane.onTick({ number: Number(data.textContent), at_ms: Number(data.value) });
  };
  frame.addEventListener("load", onLoad);
  frame.src = "/lab/live/page.html";
  lane.frame.replaceChildren(frame);
  lane.frame.hidden = false;
  return () => {
    frame.remove();
    lane.frame.hidden = true;
  };
}

/** Every answer is a number, or the word that there is no other. @type {import("./lane.js").Run} */
export function runAjax(lane) {
  const { meter, wire } = lane;
  let tag = "";
  const ask = async () => {
    meter.onRequest();
    wire.up(`GET /lab/live/number.json${tag && `\nIf-None-Match: ${tag}`}`);
    try {
      const response = await fetch("/lab/live/number.json", { cache: "no-store", credentials: "omit", headers: tag ? { "If-None-Match": tag } : {} });
      const text = await response.text();
      meter.onBytes(HEAD_BYTES + bytesOf(text));
      wire.down(`${response.status} ${response.headers.get("Content-Type") ?? ""}\n${text}`);
      tag = response.headers.get("ETag") ?? tag;
      if (response.status === 200) lane.onTick(JSON.parse(text));
    } catch (error) {
      wire.note(String(error));
    }
  };
  ask();
  const timer = setInterval(ask, POLL_MS);
  return () => clearInterval(timer);
}
