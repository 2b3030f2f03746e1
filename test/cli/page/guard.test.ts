import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { guardPageRequest, type PageRequest } from "../../../src/cli/page/guard.ts";
import { Secret } from "../../../src/runtime/secret.ts";

const TOKEN = "dG9rZW4-of_the_page";
const PORT = 8999;
const OWN = `127.0.0.1:${PORT}`;

function guard({ method = "GET", url = `/${TOKEN}/`, headers = {} }: Partial<PageRequest>) {
  return guardPageRequest(
    { method, url, headers: { host: OWN, ...headers } },
    { token: new Secret(TOKEN), port: PORT },
  );
}

suite("guardPageRequest()", () => {
  const accepted: readonly (readonly [string, Partial<PageRequest>, string])[] = [
    ["the page", {}, ""],
    ["its script", { url: `/${TOKEN}/ui.js` }, "ui.js"],
    [
      "data of its script",
      { url: `/${TOKEN}/data/pod?name=a`, headers: { "sec-fetch-site": "same-origin" } },
      "data/pod",
    ],
    ["an address that the reader opened", { headers: { "sec-fetch-site": "none" } }, ""],
    ["its own origin", { headers: { origin: `http://${OWN}` } }, ""],
    ["HEAD", { method: "HEAD" }, ""],
  ];
  for (const [name, request, path] of accepted) {
    test(`guardPageRequest() accepts ${name}`, () => {
      const guarded = guard(request);
      assert.ok("path" in guarded);
      assert.equal(guarded.path, path);
    });
  }

  const refused: readonly (readonly [string, Partial<PageRequest>, number])[] = [
    ["a name that was rebound to 127.0.0.1", { headers: { host: `evil.example:${PORT}` } }, 403],
    ["localhost, which may be another address", { headers: { host: `localhost:${PORT}` } }, 403],
    ["another port in Host", { headers: { host: "127.0.0.1:1" } }, 403],
    ["no Host", { headers: { host: undefined } }, 403],
    ["a foreign origin", { headers: { origin: "https://evil.example" } }, 403],
    ["the origin of a sandboxed frame", { headers: { origin: "null" } }, 403],
    ["a request of another site", { headers: { "sec-fetch-site": "cross-site" } }, 403],
    ["a request of another port of this host", { headers: { "sec-fetch-site": "same-site" } }, 403],
    ["no token", { url: "/" }, 404],
    ["no token before the data", { url: "/data/snapshot" }, 404],
    ["a wrong token", { url: "/wrong/" }, 404],
    ["a part of the token", { url: `/${TOKEN.slice(1)}/` }, 404],
    ["the token with more behind it", { url: `/${TOKEN}x/` }, 404],
    ["the token without a slash", { url: `/${TOKEN}` }, 404],
    ["an address of another host in the request line", { url: `http://evil.example/${TOKEN}` }, 404],
    ["a malformed address", { url: "//" }, 404],
    ["POST", { method: "POST" }, 405],
    ["PUT", { method: "PUT" }, 405],
    ["DELETE", { method: "DELETE" }, 405],
    ["OPTIONS", { method: "OPTIONS" }, 405],
  ];
  for (const [name, request, status] of refused) {
    test(`guardPageRequest() refuses ${name}`, () => {
      assert.deepEqual(guard(request), { status });
    });
  }
});
