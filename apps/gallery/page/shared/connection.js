/**
 * @file Shows a Comet connection in the bar of a page: its state, its transport, its round trip, and a switch between transports.
 * The connection is the page's own and comes in as an argument; nothing here keeps it alive.
 */

/** The transports the switch offers, with the names it gives them. */
const TRANSPORTS = new Map([
  ["websocket", "WebSocket"],
  ["long-polling", "Long polling"],
  ["callback-polling", "Callback polling"],
]);
const STATES = { connecting: "Connecting", waiting: "Offline, trying again", closed: "Closed" };
const PING_INTERVAL_MS = 5_000;
/** After a change the figure of the old transport is soon replaced. */
const PING_SOON_MS = 300;

/**
 * @param {import("/comet.js").Comet} comet
 * @param {HTMLElement} place Is filled.
 */
export function showConnection(comet, place) {
  const badge = element("p", { className: "badge" });
  badge.setAttribute("role", "status");
  const trip = element("span", { className: "trip", title: "Time to the server and back" });
  const { group, inputs } = makeSwitch((name) => change(name));
  place.replaceChildren(badge, trip, group);

  const draw = () => {
    const { state, transport } = comet;
    badge.dataset.state = state;
    badge.textContent = state === "connected" ? (TRANSPORTS.get(transport) ?? transport) : STATES[state];
    if (state !== "connected") trip.textContent = "";
    if (transport && group.getAttribute("aria-busy") !== "true") choose(transport);
  };
  const choose = (/** @type {string} */ name) => {
    for (const input of inputs) input.checked = input.value === name;
  };
  const change = async (/** @type {string} */ name) => {
    group.setAttribute("aria-busy", "true");
    try {
      await comet.switchTransport(name);
    } catch (error) {
      badge.textContent = `Stays on ${TRANSPORTS.get(comet.transport) ?? "its transport"}: ${error.message}`;
    }
    group.setAttribute("aria-busy", "false");
    if (comet.transport) choose(comet.transport);
    measure.soon();
  };
  const measure = measureTrips(comet, (ms) => {
    trip.textContent = ms === undefined ? "" : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  });
  comet.addEventListener("state", draw);
  comet.addEventListener("transport", () => {
    draw();
    measure.soon();
  });
  draw();
}

/**
 * Measures the round trip while somebody looks.
 * @param {import("/comet.js").Comet} comet
 * @param {(ms: number | undefined) => void} show
 */
function measureTrips(comet, show) {
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;
  const measure = async () => {
    if (comet.state === "connected" && !document.hidden) {
      const { transport } = comet;
      const start = performance.now();
      const answered = await comet.call("/service/gallery/ping", {}, { timeoutMs: PING_INTERVAL_MS }).then(
        () => true,
        () => false,
      );
      // Of a trip that began on one transport and ended on another nothing can be said.
      if (comet.transport === transport) show(answered ? performance.now() - start : undefined);
    }
    plan(PING_INTERVAL_MS);
  };
  const plan = (/** @type {number} */ delayMs) => {
    clearTimeout(timer);
    if (comet.state !== "closed") timer = setTimeout(measure, delayMs);
  };
  plan(PING_SOON_MS);
  return { soon: () => plan(PING_SOON_MS) };
}

/** @param {(name: string) => void} onChoice */
function makeSwitch(onChoice) {
  const group = element("fieldset", { className: "segments" });
  group.append(element("legend", { className: "unseen", textContent: "Transport" }));
  const inputs = [...TRANSPORTS].map(([name, label]) => {
    const input = element("input", { type: "radio", name: "transport", value: name });
    input.addEventListener("change", () => onChoice(name));
    const row = element("label", {});
    row.append(input, element("span", { textContent: label }));
    group.append(row);
    return input;
  });
  return { group, inputs };
}

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Partial<HTMLElementTagNameMap[T]>} properties
 */
function element(tag, properties) {
  return Object.assign(document.createElement(tag), properties);
}
