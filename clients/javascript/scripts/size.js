/**
 * @file Prints the size of the client as a page would load it, minified and compressed, and fails above the budget.
 * What is loaded on demand only, callback polling and moving between transports, is not part of the core.
 */
import { build } from "esbuild";
import { gzipSync } from "node:zlib";

const BUDGET_BYTES = 10 * 1024;

const { outputFiles, metafile } = await build({
  entryPoints: [new URL("../src/index.js", import.meta.url).pathname],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  splitting: true,
  outdir: "out",
  write: false,
  metafile: true,
});
// Chunks that the entry imports statically are part of the core; those imported on demand are not.
const core = new Set(Object.keys(metafile.outputs).filter((path) => metafile.outputs[path].entryPoint === "src/index.js"));
for (const path of core) {
  for (const { path: part, kind } of metafile.outputs[path].imports) if (kind === "import-statement") core.add(part);
}
const text = outputFiles.filter(({ path }) => [...core].some((part) => path.endsWith(`/${part}`))).map((file) => file.text).join("");
const size = gzipSync(text, { level: 9 }).length;
console.log(`core: ${size} bytes gzip (${text.length} minified), budget ${BUDGET_BYTES}`);
if (size > BUDGET_BYTES) process.exitCode = 1;
