// Who listens for minutes in a page without keeping anything: numbers are compared as they come, and counts are all that stays.

/** Put into a page by `evaluate`; needs nothing but its argument. */
export async function installWalker({ address, transport, options, pattern }) {
  const { Comet } = await import(new URL("/comet.js", location.href).href);
  const walker = { heard: 0, gaps: 0, faults: [], open: 0 };
  const next = new Map();
  const comet = (walker.comet = new Comet(address, { transports: [transport], backoffBaseMs: 100, backoffCapMs: 400, ...options }));
  comet.addEventListener("transport", () => (walker.open += 1));
  const subscription = comet.subscribe(pattern, ({ channel, data: { from, n } }) => {
    walker.heard += 1;
    const key = `${channel} ${from}`;
    const wanted = next.get(key) ?? 0;
    if (n !== wanted && walker.faults.length < 5) walker.faults.push(`${key}: ${n} for ${wanted}`);
    next.set(key, n + 1);
  });
  subscription.addEventListener("gap", () => (walker.gaps += 1));
  globalThis.walker = walker;
  await subscription.ready;
}

/** What a page has counted. */
export const countsOf = (page) =>
  page.evaluate(() => ({ heard: walker.heard, gaps: walker.gaps, faults: walker.faults, transport: walker.comet.transport ?? "none" }));
