/**
 * @file The Dynodes of the Lab: a button that asks by `fetch` and then follows a channel, and one that runs the server's script.
 * What happens is told in a line beside them. The client comes in; the elements are in the page.
 */
import { Dynodes } from "/comet/dynode.js";

/** @param {import("/comet.js").Comet} comet What the elements follow channels with. */
export function startDynodes(comet) {
  const place = /** @type {HTMLElement} */ (document.getElementById("dynode-news"));
  const dynodes = new Dynodes({ comet, scripts: [location.origin], root: /** @type {HTMLElement} */ (document.getElementById("dynodes")) });
  dynodes.addEventListener("refused", (/** @type {any} */ { detail }) => {
    place.textContent = `Refused: ${detail.code.replaceAll("_", " ")}`;
  });
  dynodes.addEventListener("applied", () => {
    place.textContent = "";
  });
}
