/**
 * @file The secret by which the server knows this page in a new session, so that it gets its place and its name back.
 * It outlives a reload: a page that goes leaves it behind, one that comes takes it away. So a second tab, which starts with a copy
 * of what the first has stored, finds nothing while the first is there.
 */
import { randomKey } from "./outbox.js";

const NAME = "chat.seat";

/** The secret of this page. */
export const SEAT = take() ?? randomKey();

addEventListener("pagehide", () => {
  try {
    sessionStorage.setItem(NAME, SEAT);
  } catch {
    // A browser that keeps nothing makes a new place with every page.
  }
});
// Back from the browser's cache of pages, the place is in use again.
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) take();
});

/** @returns {string | undefined} */
function take() {
  try {
    const seat = sessionStorage.getItem(NAME) ?? undefined;
    sessionStorage.removeItem(NAME);
    return seat;
  } catch {
    return undefined;
  }
}
