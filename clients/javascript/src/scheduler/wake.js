/**
 * @file The moments at which a page comes back to life: network found again, tab shown. Pages that were put away are `life.js`'s.
 * What a waking client does is decided in `session.js`. In Node and in workers the missing events simply never come.
 */

/**
 * Calls `onWake` at each such moment.
 * @param {EventTarget | undefined} page The window, or what stands for it.
 * @param {(EventTarget & { visibilityState?: string }) | undefined} document
 * @param {() => void} onWake
 * @returns {() => void} Stops watching.
 */
export function watchWake(page, document, onWake) {
  const onVisibility = () => {
    if (document?.visibilityState === "visible") onWake();
  };
  const end = new AbortController();
  page?.addEventListener?.("online", onWake, end);
  document?.addEventListener?.("visibilitychange", onVisibility, end);
  return () => end.abort();
}
