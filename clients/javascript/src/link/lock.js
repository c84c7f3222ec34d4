/**
 * @file Web Locks as signs of life: whoever holds a lock lives, and it is let go when its page or worker is no more, however it ended.
 * Knows names and nothing of who stands behind them. Tabs and hosts hold one each; each side waits for the other's to become free.
 */

/** @returns {LockManager | undefined} What the platform has; nothing in pages that are not secure, and in Node before 24. */
function locks() {
  return /** @type {Partial<Navigator> | undefined} */ (globalThis.navigator)?.locks;
}

/** Whether deaths can be seen here. */
export function locksExist() {
  return locks() !== undefined;
}

/**
 * Waits for a lock and keeps it.
 * @param {string} name
 * @param {object} how
 * @param {() => void} how.onHeld It is ours.
 * @param {() => void} [how.onRobbed] It was ours and somebody has taken it by force.
 * @param {boolean} [how.steal] Whether to take it from whoever has it.
 * @returns {() => void} Lets it go, or waits no longer.
 */
export function hold(name, { onHeld, onRobbed = () => {}, steal = false }) {
  const waiting = new AbortController();
  /** @type {() => void} */
  let release = () => {};
  let ended = false;
  const over = new Promise((resolve) => {
    release = () => resolve(undefined);
  });
  const held = () => {
    if (ended) return undefined;
    onHeld();
    return over;
  };
  // The platform refuses a signal beside force.
  locks()
    ?.request(name, steal ? { steal } : { signal: waiting.signal }, held)
    .catch(() => {
      if (!ended) onRobbed();
    });
  return () => {
    ended = true;
    waiting.abort();
    release();
  };
}

/**
 * @param {string} name
 * @returns {Promise<() => void>} Resolves when the lock is held, with what lets it go.
 */
export function held(name) {
  return new Promise((resolve) => {
    const release = hold(name, { onHeld: () => queueMicrotask(() => resolve(release)) });
  });
}

/**
 * Calls once when nobody holds a lock any more.
 * @param {string} name
 * @param {() => void} run
 * @returns {() => void} Waits no longer.
 */
export function onFree(name, run) {
  const release = hold(name, {
    onHeld: () => {
      queueMicrotask(release);
      run();
    },
  });
  return release;
}
