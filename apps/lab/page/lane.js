/**
 * @file One lane: a card with a technique's story, its figures and its wire, and the switch that starts and stops it.
 * How the numbers come is a runner's business: `classic.js` or `comet-lane.js`. A lane counts and draws what its runner tells.
 */
import { serverNow } from "./clock.js";
import { Meter } from "./meter.js";
import { Sequence } from "./sequence.js";
import { drawSparks } from "./sparks.js";
import { Wire } from "./wire.js";

/** From one number of the counter to the next. */
const PERIOD_MS = 250;

/**
 * What makes the numbers come.
 * @typedef {(lane: Lane) => () => void} Run Starts; gives back what stops it.
 */

/** One technique at work. */
export class Lane {
  meter = new Meter();
  /** @type {Wire} */
  wire;
  technique;
  /** Called when it has been started or stopped. */
  onChange = () => {};
  #sequence = new Sequence();
  #run;
  /** @type {(() => void) | undefined} */
  #stop;
  #parts;

  /**
   * @param {import("./techniques.js").Technique} technique
   * @param {Run} run
   * @param {HTMLElement} place Gets the card.
   */
  constructor(technique, run, place) {
    this.technique = technique;
    this.#run = run;
    const template = /** @type {HTMLTemplateElement} */ (document.getElementById("lane"));
    const card = /** @type {HTMLElement} */ (/** @type {DocumentFragment} */ (template.content.cloneNode(true)).firstElementChild);
    const part = (/** @type {string} */ name) => /** @type {any} */ (card.querySelector(`[data-part="${name}"]`));
    const names = ["title", "then", "now", "run", "state", "number", "latency", "requests", "bytes", "skipped", "sparks", "wire", "frame"];
    this.#parts = { card, ...Object.fromEntries(names.map((name) => [name, part(name)])) };
    const { title, then, now, run: button, wire } = /** @type {any} */ (this.#parts);
    card.dataset.technique = technique.name;
    card.setAttribute("aria-label", technique.title);
    title.textContent = technique.title;
    then.textContent = technique.then;
    now.textContent = technique.now;
    wire.setAttribute("aria-label", `The wire of ${technique.title}`);
    button.addEventListener("click", () => (this.running ? this.stop() : this.start()));
    this.wire = new Wire(wire);
    this.#parts.frame.hidden = true;
    place.append(card);
    this.draw();
  }

  get running() {
    return this.#stop !== undefined;
  }

  /** Where a runner may show a frame. @returns {HTMLElement} */
  get frame() {
    return this.#parts.frame;
  }

  start() {
    if (this.running) return;
    this.meter.reset();
    this.#sequence = new Sequence();
    this.say("connecting");
    this.#stop = this.#run(this);
    this.onChange();
    this.draw();
  }

  /** @param {string} [reason] */
  stop(reason = "stopped") {
    this.#stop?.();
    this.#stop = undefined;
    this.wire.note(reason);
    this.say(reason);
    this.onChange();
    this.draw();
  }

  /** @param {string} state */
  say(state) {
    this.#parts.state.textContent = state;
  }

  /**
   * A number has come.
   * @param {{ number: number, at_ms: number }} tick
   * @param {string} [epoch]
   */
  onTick({ number, at_ms }, epoch) {
    // What was on its way when the lane was stopped.
    if (!this.running) return;
    const lateMs = serverNow() - at_ms;
    const first = this.#sequence.last === undefined;
    const known = this.#sequence.take(number, epoch);
    // Those that were passed over are known from now on as well, each so much later.
    for (let back = first ? 0 : Math.min(known, 48) - 1; back >= 0; back -= 1) this.meter.onLatency(lateMs + back * PERIOD_MS);
    this.say("running");
    this.#parts.number.textContent = String(number);
  }

  /** What the table of all lanes shows. */
  get figures() {
    const { latencyMs, perMinute } = this.meter;
    const { seen, skipped, repeated } = this.#sequence;
    return { latencyMs, ...perMinute, seen, skipped, repeated };
  }

  draw() {
    const { card, run, latency, requests, bytes, skipped, sparks } = this.#parts;
    const { running } = this;
    const figures = this.figures;
    card.dataset.running = String(running);
    run.textContent = running ? "Stop" : "Start";
    run.setAttribute("aria-label", `${running ? "Stop" : "Start"} ${this.technique.title}`);
    if (!running && figures.seen === 0) return;
    latency.textContent = showMs(figures.latencyMs);
    requests.textContent = showCount(figures.requests);
    bytes.textContent = showBytes(figures.bytes);
    skipped.textContent = `${figures.skipped} of ${figures.seen + figures.skipped}`;
    drawSparks(sparks, this.meter.latencies);
  }
}

/** @param {number | undefined} ms */
export function showMs(ms) {
  if (ms === undefined) return "–";
  return ms < 10 ? `${ms.toFixed(1)} ms` : ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

/** @param {number} [count] */
export function showCount(count) {
  if (count === undefined) return "–";
  return count < 10 ? count.toFixed(1) : String(Math.round(count));
}

/** @param {number} [bytes] */
export function showBytes(bytes) {
  if (bytes === undefined) return "–";
  return bytes < 1_000 ? `${Math.round(bytes)} B` : bytes < 1e6 ? `${(bytes / 1_000).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(2)} MB`;
}
