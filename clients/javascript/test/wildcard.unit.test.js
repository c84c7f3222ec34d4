/**
 * @file Addresses of tabs: made up once, kept, and refused where there is nothing to make up.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { wildcardHost } from "../src/wildcard.js";

/** @param {Record<string, string>} [kept] */
function storage(kept = {}) {
  return { kept, getItem: (key) => kept[key] ?? null, setItem: (key, text) => void (kept[key] = text) };
}

test("a tab has one host, also after a reload", () => {
  const tab = storage();
  const url = wildcardHost("https://*.push.example:8443/cometd?a=*", tab);
  assert.match(url, /^https:\/\/t[0-9a-f]{12}\.push\.example:8443\/cometd\?a=\*$/);
  assert.equal(wildcardHost("https://*.push.example:8443/cometd?a=*", tab), url);
  const reloaded = storage({ "comet-host": "t0123456789ab" });
  assert.equal(wildcardHost("http://*.push.example/", reloaded), "http://t0123456789ab.push.example/");
});

test("what lies in the storage and is no label leads nowhere", () => {
  for (const text of ["", "evil.example/", "t0123456789ab.evil.example", "T0123456789AB", "tother"]) {
    const tab = storage({ "comet-host": text });
    const { hostname } = new URL(wildcardHost("http://*.push.example/", tab));
    assert.match(hostname, /^t[0-9a-f]{12}\.push\.example$/);
    assert.equal(tab.kept["comet-host"], hostname.split(".")[0]);
  }
});

test("a page without storage has one host as long as it lives", () => {
  const shut = {
    getItem() {
      throw new Error("denied");
    },
    setItem() {},
  };
  assert.equal(wildcardHost("http://*.push.example/", shut), wildcardHost("http://*.push.example/", shut));
});

test("an address with nothing to make up is refused", () => {
  for (const url of ["/cometd", "https://push.example/*", "https://*/cometd", "https://a.*.example/", "https://*.*.example/", "ftp://*.push.example/", "*.push.example"]) {
    assert.throws(() => wildcardHost(url, storage()), TypeError, url);
  }
});
