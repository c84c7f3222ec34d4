/**
 * @file From an event to the question of the tagged element it happened in: whether there is one, and the address that is asked.
 * Only addresses of the page's own origin and of listed ones are asked; nothing is sent here.
 */

/** What a tag may name in `data-dynode-on`. The first holds where it names none; the keyboard clicks too. */
export const EVENTS = ["click", "mousedown", "mouseover"];
/** Everything inside an element with this is left alone: for what users have written. */
const OFF = "[data-dynode-off]";
const LONGEST_ADDRESS = 2_000;

/**
 * @typedef {{ element: Element, url: string, script: boolean } | { element: Element, refused: string }} Tag
 */

/**
 * @param {Event} event
 * @param {{ hosts: readonly string[], scripts: readonly string[] }} listed
 * @returns {Tag | undefined} Nothing where no element is tagged for this event.
 */
export function readTag(event, listed) {
  if (!(event.target instanceof Element) || event.target.closest(OFF)) return undefined;
  const element = event.target.closest("[data-dynode]");
  if (!element || (element.getAttribute("data-dynode-on") ?? EVENTS[0]) !== event.type) return undefined;
  const mouse = event instanceof MouseEvent ? event : undefined;
  // The pointer comes over an element once, however many parts it has.
  if (event.type === "mouseover" && mouse?.relatedTarget instanceof Node && element.contains(mouse.relatedTarget)) return undefined;
  if (element.matches(":disabled, [aria-disabled=true]")) return undefined;
  const script = element.getAttribute("data-dynode-as") === "script";
  const url = addressOf(/** @type {string} */ (element.getAttribute("data-dynode")));
  if (!url) return { element, refused: "address_invalid" };
  // A script of the page's own origin has to be listed as well: whoever writes a tag is not always who writes the page.
  if (!(script ? listed.scripts : [location.origin, ...listed.hosts]).includes(url.origin)) return { element, refused: "host_unlisted" };
  describe(url, event, element, mouse);
  return url.href.length > LONGEST_ADDRESS ? { element, refused: "address_invalid" } : { element, url: url.href, script };
}

/** @param {string} text */
function addressOf(text) {
  try {
    const url = new URL(text, document.baseURI);
    return /^https?:$/.test(url.protocol) && !url.username && !url.password ? url : undefined;
  } catch {
    return undefined;
  }
}

/**
 * What has happened, as the server is told: where in the element, with which button.
 * @param {URL} url
 * @param {Event} event
 * @param {Element} element
 * @param {MouseEvent | undefined} mouse
 */
function describe(url, event, element, mouse) {
  const { left, top } = element.getBoundingClientRect();
  const told = { type: event.type, id: element.id, ...(mouse && { button: mouse.button, x: Math.round(mouse.clientX - left), y: Math.round(mouse.clientY - top) }) };
  for (const [name, value] of Object.entries(told)) url.searchParams.set(`dynode-${name}`, String(value).slice(0, 128));
  url.hash = "";
}
