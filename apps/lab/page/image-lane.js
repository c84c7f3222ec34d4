/**
 * @file The lane of an image element: one answer whose parts are pictures, drawn by the server. A page hears nothing of a new
 * picture, so it looks at the element often; below the figures stand dots that tell number and time.
 */

const ADDRESS = "/images?channel=/lab/picture";
const LOOK_MS = 25;
/** As the server draws: 32 dots of the number, then 48 of the time. */
const NUMBER_DOTS = 32;
const DOTS = 80;
/** What a picture has besides a byte for each of its dots, and the fields of its part with the boundary. */
const FRAME_BYTES = 80;
const PART_BYTES = 80;

/** @type {import("./lane.js").Run} */
export function runImage(lane) {
  const { meter, wire } = lane;
  const image = document.createElement("img");
  image.alt = "The counter, drawn by the server";
  let stopped = false;
  image.addEventListener("error", () => stopped || lane.say("failed: the stream of pictures is gone"));
  meter.onRequest();
  wire.up(`GET ${ADDRESS}`);
  image.src = ADDRESS;
  lane.frame.replaceChildren(image);
  lane.frame.hidden = false;
  const canvas = document.createElement("canvas");
  const brush = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  /** @type {number | undefined} */
  let shown;
  let looking = false;
  const look = async () => {
    const { naturalWidth: width, naturalHeight: height } = image;
    if (width < DOTS) return;
    if (canvas.width !== width) Object.assign(canvas, { width, height });
    // Firefox draws the first picture of an element again and again; a bitmap is of the one that is shown.
    const bitmap = await createImageBitmap(image);
    if (stopped) return;
    brush.drawImage(bitmap, 0, 0);
    bitmap.close();
    const tick = read(brush.getImageData(0, height - 1, DOTS, 1).data);
    if (tick.number === shown) return;
    shown = tick.number;
    const bytes = width * height + FRAME_BYTES;
    meter.onBytes(bytes + PART_BYTES);
    wire.down(`image/gif, ${bytes} bytes: a picture of number ${tick.number}`);
    lane.onTick(tick);
  };
  const timer = setInterval(() => {
    if (looking) return;
    looking = true;
    // Between two pictures there may be none to look at.
    look()
      .catch(() => {})
      .finally(() => (looking = false));
  }, LOOK_MS);
  return () => {
    stopped = true;
    clearInterval(timer);
    // A stream of pictures goes on for as long as the element has its address.
    image.src = "";
    image.remove();
    lane.frame.hidden = true;
  };
}

/** @param {Uint8ClampedArray} colours Four bytes of each dot; ink is not red. */
function read(colours) {
  let [number, at_ms] = [0, 0];
  for (let dot = 0; dot < DOTS; dot += 1) {
    const ink = colours[dot * 4] < 128 ? 1 : 0;
    if (dot < NUMBER_DOTS) number = number * 2 + ink;
    else at_ms = at_ms * 2 + ink;
  }
  return { number, at_ms };
}
