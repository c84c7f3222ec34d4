/**
 * @file Prints the size of the client as a page would load it, minified and compressed, and fails above the budget.
 * What is loaded on demand only, such as most transports and moving between them, is not part of the core.
 */
import { build } from "esbuild";
import { gzipSync } from "node:zlib";

const BUDGET_BYTES = 10 * 1024;

/** Modules that are imported on demand are not part of the core. @type {import("esbuild").Plugin} */
const onDemand = {
  name: "on-demand",
  setup(build) {
    build.onResolve({ filter: /.*/ }, ({ kind, path }) => (kind === "dynamic-import" ? { path, external: true } : undefined));
  },
};

const { outputFiles } = await build({
  entryPoints: [new URL("../src/index.js", import.meta.url).pathname],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  write: false,
  plugins: [onDemand],
});
const [{ text }] = outputFiles;
const size = gzipSync(text, { level: 9 }).length;
console.log(`core: ${size} bytes gzip (${text.length} minified), budget ${BUDGET_BYTES}`);
if (size > BUDGET_BYTES) process.exitCode = 1;
