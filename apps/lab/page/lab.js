/**
 * @file The Lab: opens a lane for each technique, keeps the browser's six connections in mind, and draws all figures side by side.
 * The lanes and the client that changes do the work.
 */
import { runAjax, runReload } from "./classic.js";
import { readServerClock } from "./clock.js";
import { startChanging } from "./changing.js";
import { findTransports, runComet } from "./comet-lane.js";
import { startDynodes } from "./dynode-demo.js";
import { runImage } from "./image-lane.js";
import { Lane, showBytes, showCount, showMs } from "./lane.js";
import { CLASSIC, COMET } from "./techniques.js";

/** A browser opens six connections to a host: three for lanes, one for the client that changes, two for what is sent. */
const MOST_HELD = 3;
const DRAW_MS = 500;
/** What runs when the page is opened. */
const FIRST = ["page-reload", "ajax-polling", "long-polling", "websocket", "http-streaming"];

const byId = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const status = byId("status");

await readServerClock().catch(() => {});
const names = await findTransports(COMET.map(({ name }) => name)).catch(() => ["websocket", "long-polling"]);
const classicRuns = /** @type {Record<string, import("./lane.js").Run>} */ ({ "page-reload": runReload, "ajax-polling": runAjax, "image-push": runImage });
const place = byId("lanes");
const lanes = [
  ...CLASSIC.map((technique) => new Lane(technique, classicRuns[technique.name], place)),
  ...COMET.filter(({ name }) => names.includes(name)).map((technique) => new Lane(technique, runComet(technique), place)),
];
place.setAttribute("aria-busy", "false");
showMissing(COMET.filter(({ name }) => !names.includes(name)));

/** Lanes that hold a connection, in the order in which they were started. @type {Lane[]} */
const held = [];
for (const lane of lanes) {
  lane.onChange = () => {
    const at = held.indexOf(lane);
    if (at >= 0) held.splice(at, 1);
    if (!lane.running || !lane.technique.held) return;
    const sibling = held.find(({ technique }) => technique.cookies && lane.technique.cookies);
    held.push(lane);
    if (sibling) makeRoom(sibling, lane, "the server lets one session of a browser hold a request, and both carry its cookie");
    else if (held.length > MOST_HELD) makeRoom(held[0], lane, "a browser opens six connections to one host");
  };
}

/** Names what this server or this browser does not offer, and what can be done about it. @param {import("./techniques.js").Technique[]} missing */
function showMissing(missing) {
  const line = byId("missing");
  line.hidden = missing.length === 0;
  line.textContent = `Not to be had here: ${missing.map(({ title, lacks }) => (lacks ? `${title} (${lacks})` : title)).join(", ")}.`;
}

/**
 * @param {Lane} old
 * @param {Lane} lane
 * @param {string} reason
 */
function makeRoom(old, lane, reason) {
  old.stop("stopped, to make room");
  status.textContent = `${old.technique.title} has made room for ${lane.technique.title}: ${reason}.`;
}

const changing = startChanging(names);
startDynodes(changing.comet);
for (const lane of lanes) if (FIRST.includes(lane.technique.name)) lane.start();

/** The same figures as a table. */
const rows = new Map(
  lanes.map((lane) => {
    const row = document.createElement("tr");
    const head = Object.assign(document.createElement("th"), { scope: "row", textContent: lane.technique.title });
    row.append(head, ...Array.from({ length: 4 }, () => document.createElement("td")));
    byId("figures").append(row);
    return [lane, row];
  }),
);

function draw() {
  changing.draw();
  for (const [lane, row] of rows) {
    if (lane.running) lane.draw();
    const { latencyMs, requests, bytes, skipped, seen } = lane.figures;
    const texts = [showMs(latencyMs), showCount(requests), showBytes(bytes), seen === 0 ? "–" : String(skipped)];
    row.hidden = !lane.running;
    texts.forEach((text, index) => {
      const cell = row.cells[index + 1];
      if (cell.textContent !== text) cell.textContent = text;
    });
  }
}
setInterval(() => !document.hidden && draw(), DRAW_MS);

addEventListener("pagehide", ({ persisted }) => {
  if (!persisted) for (const lane of lanes) if (lane.running) lane.stop();
});
