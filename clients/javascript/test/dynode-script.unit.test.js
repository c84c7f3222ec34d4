import assert from "node:assert/strict";
import { test } from "node:test";

import { Scripts } from "../src/dynode/script.js";

const page = /** @type {any} */ (globalThis);

test("what a page calls Dynode itself is neither taken nor removed", () => {
  const own = { apply() {} };
  page.Dynode = own;
  const scripts = new Scripts();
  scripts.close();
  assert.equal(page.Dynode, own);
  delete page.Dynode;
});

test("the name that scripts call leaves the page with the last that waits for scripts", () => {
  const first = new Scripts();
  const second = new Scripts();
  first.close();
  assert.equal(typeof page.Dynode.apply, "function");
  second.close();
  assert.equal("Dynode" in page, false);
});
