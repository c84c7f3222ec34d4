/**
 * @file The client that changes: one session with every transport, moved by hand, or by a block as a network would put it up.
 * The row of numbers is checked all the while. What happens is told in a short list, newest first.
 */
import { Comet } from "/comet.js";
import { serverNow } from "./clock.js";
import { CHANNEL } from "./comet-lane.js";
import { Gate } from "./gate.js";
import { showMs } from "./lane.js";
import { Meter } from "./meter.js";
import { Sequence } from "./sequence.js";
import { tapPlatform } from "./tap.js";
import { COMET } from "./techniques.js";
import { Wire } from "./wire.js";

const MOST_NEWS = 8;
/** A blocked way is tried again soon, so that opening it is seen as well. */
const UPGRADE_AFTER_MS = 5_000;

const titleOf = (/** @type {string | undefined} */ name) => COMET.find((technique) => technique.name === name)?.title ?? name ?? "nothing";
const byId = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id));

/**
 * @param {readonly string[]} names Transports that can be used, best first.
 * @returns {{ comet: Comet, draw: () => void }} The client, and what draws its figures.
 */
export function startChanging(names) {
  const meter = new Meter();
  const wire = new Wire(byId("changing-wire"));
  const gate = new Gate();
  const sequence = new Sequence();
  const options = { transports: names, upgradeAfterMs: UPGRADE_AFTER_MS, backoffBaseMs: 100 };
  const comet = new Comet("/cometd/lab/changing", { ...tapPlatform({ meter, wire, gate, cookies: true }, "changing"), ...options });
  const choice = byId("changing-transport");
  const state = byId("changing-state");

  comet.subscribe(CHANNEL, ({ data, position }) => {
    sequence.take(data.number, position?.epoch);
    meter.onLatency(serverNow() - data.at_ms);
    byId("changing-number").textContent = data.number;
  });

  const news = byId("changing-news");
  const tell = (/** @type {string} */ text) => {
    const item = document.createElement("li");
    item.textContent = `${new Date().toLocaleTimeString()} ${text}`;
    news.prepend(item);
    while (news.childElementCount > MOST_NEWS) news.lastElementChild.remove();
    wire.note(text);
  };
  const draw = () => {
    state.dataset.state = comet.state;
    state.textContent = comet.transport ? titleOf(comet.transport) : comet.state;
    if (comet.transport && !choice.disabled) choice.value = comet.transport;
  };
  comet.addEventListener("state", draw);
  comet.addEventListener("transport", () => {
    tell(`carried by ${titleOf(comet.transport)}`);
    draw();
  });
  comet.addEventListener("error", (/** @type {any} */ { detail }) => wire.note(`${detail.code}: ${detail.message}`));

  choice.replaceChildren(...names.map((name) => Object.assign(document.createElement("option"), { value: name, textContent: titleOf(name) })));
  choice.addEventListener("change", async () => {
    const name = choice.value;
    choice.disabled = true;
    try {
      await comet.switchTransport(name);
    } catch (error) {
      tell(`${titleOf(name)} cannot be reached: ${/** @type {Error} */ (error).message}`);
    }
    choice.disabled = false;
    draw();
    choice.focus();
  });

  byId("changing-blocks").append(
    ...names.map((name) => {
      const row = document.createElement("label");
      const box = Object.assign(document.createElement("input"), { type: "checkbox", value: name });
      box.addEventListener("change", () => {
        tell(`${titleOf(name)} is ${box.checked ? "blocked" : "open again"}`);
        if (box.checked) gate.block(name);
        else gate.allow(name);
      });
      row.append(box, Object.assign(document.createElement("span"), { textContent: titleOf(name) }));
      return row;
    }),
  );
  addEventListener("pagehide", ({ persisted }) => !persisted && comet.close());

  const drawFigures = () => {
    for (const name of /** @type {const} */ (["seen", "skipped", "repeated"])) byId(`changing-${name}`).textContent = sequence[name];
    byId("changing-latency").textContent = showMs(meter.latencyMs);
  };
  return { comet, draw: drawFigures };
}
