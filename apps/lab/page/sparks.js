/**
 * @file Draws how late the last numbers were, one bar each, from a millisecond to ten seconds on a scale of powers of ten.
 * In come the latencies; the place is an SVG element of 96 by 32 units.
 */

const NAMESPACE = "http://www.w3.org/2000/svg";
const WIDTH = 96;
const HEIGHT = 32;
const MOST_BARS = 48;
const DECADES = 4;

/**
 * @param {SVGElement} place
 * @param {readonly number[]} latencies Oldest first.
 */
export function drawSparks(place, latencies) {
  while (place.childElementCount > latencies.length) place.lastElementChild?.remove();
  latencies.forEach((ms, index) => {
    const bar = place.children[index] ?? place.appendChild(document.createElementNS(NAMESPACE, "rect"));
    const height = 2 + (HEIGHT - 2) * Math.min(Math.max(Math.log10(Math.max(ms, 1)) / DECADES, 0), 1);
    const x = WIDTH - (latencies.length - index) * (WIDTH / MOST_BARS);
    for (const [name, value] of Object.entries({ x, y: HEIGHT - height, width: WIDTH / MOST_BARS - 0.5, height })) {
      bar.setAttribute(name, value.toFixed(2));
    }
  });
}
