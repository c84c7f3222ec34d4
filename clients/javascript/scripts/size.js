/**
 * @file Prints the size of the client as a page would load it, minified and compressed, and fails above the budget.
 * The callback-polling transport is loaded on demand only and is therefore not part of the core.
 */
import { build } from "esbuild";
import { gzipSync } from "node:zlib";

const BUDGET_BYTES = 10 * 1024;

const { outputFiles } = await build({
  entryPoints: [new URL("../src/index.js", import.meta.url).pathname],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  splitting: true,
  outdir: "out",
  write: false,
});
// Chunks that the entry imports statically are part of the core; the one imported on demand is not.
const core = outputFiles.filter(({ path }) => !path.includes("callback-polling"));
const text = core.map((file) => file.text).join("");
const size = gzipSync(text, { level: 9 }).length;
console.log(`core: ${size} bytes gzip (${text.length} minified), budget ${BUDGET_BYTES}`);
if (size > BUDGET_BYTES) process.exitCode = 1;
