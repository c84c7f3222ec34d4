/**
 * @file The life of a page beyond being shown: put away and taken out again, its network gone, back, or another one.
 * What a client does about it is decided in `vigil.js`. Elsewhere than in pages the events simply never come.
 */

/**
 * What stands for the window; some of it is there in pages only, some in some browsers only.
 * @typedef {EventTarget & { navigator?: { onLine?: boolean, connection?: EventTarget & { type?: string, effectiveType?: string } }, localStorage?: Storage }} Page
 */

/**
 * @typedef {object} Turns
 * @property {() => void} onAway The page is put away, perhaps for good; nothing will run until it is back.
 * @property {() => void} onBack
 * @property {() => void} onOffline
 * @property {() => void} onNetwork The network is back, or may be another one.
 */

/**
 * Calls these at each turn.
 * @param {Page | undefined} page
 * @param {EventTarget | undefined} document
 * @param {Turns} turns
 * @returns {() => void} Stops watching.
 */
export function watchLife(page, document, { onAway, onBack, onOffline, onNetwork }) {
  const end = new AbortController();
  /** @param {EventTarget | undefined} target @param {string} type @param {(event: Event) => void} run */
  const on = (target, type, run) => target?.addEventListener?.(type, run, { signal: end.signal });
  /** @param {Event} event */
  const isKept = (event) => /** @type {PageTransitionEvent} */ (event).persisted;
  on(page, "pagehide", (event) => isKept(event) && onAway());
  on(page, "pageshow", (event) => isKept(event) && onBack());
  on(document, "freeze", onAway);
  on(document, "resume", onBack);
  on(page, "offline", onOffline);
  on(page, "online", onNetwork);
  on(page?.navigator?.connection, "change", onNetwork);
  return () => end.abort();
}

/**
 * @param {Page | undefined} page
 * @returns {string} The kind of network, as far as the platform tells.
 */
export function networkOf(page) {
  const { type, effectiveType } = page?.navigator?.connection ?? {};
  return type ?? effectiveType ?? "any";
}
