// Whether a row of measurements stays flat: the median of its last third against that of its first.

/** The value in the middle. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length % 2 ? sorted[(sorted.length - 1) / 2] : (sorted[sorted.length / 2 - 1] + sorted[sorted.length / 2]) / 2;
}

/** How much more the last third may have than the first: a share of it, and so much besides. */
export const BOUNDS = {
  heap: { share: 0.1, besides: 256 * 1024 },
  nodes: { share: 0, besides: 20 },
  listeners: { share: 0, besides: 10 },
  documents: { share: 0, besides: 2 },
};

/**
 * Judges all measurements of a page.
 *
 * @param {Record<keyof typeof BOUNDS, number>[]} samples from the oldest on
 * @returns {{ medians: Record<string, number[]>, faults: string[] }} the medians of the three thirds, and what has grown
 */
export function judgeFlatness(samples) {
  if (samples.length < 9) return { medians: {}, faults: [`only ${samples.length} measurements`] };
  const third = Math.floor(samples.length / 3);
  const thirds = [samples.slice(0, third), samples.slice(third, -third), samples.slice(-third)];
  const medians = {};
  const faults = [];
  for (const [name, { share, besides }] of Object.entries(BOUNDS)) {
    const [first, middle, last] = (medians[name] = thirds.map((part) => median(part.map((sample) => sample[name]))));
    const most = first * (1 + share) + besides;
    if (!(last <= most)) faults.push(`${name}: ${first}, ${middle}, ${last}; at most ${most} is flat`);
  }
  return { medians, faults };
}
