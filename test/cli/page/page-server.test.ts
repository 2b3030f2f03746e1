// The server of podrole ui on the wire: what it answers, and that other requests get nothing.
import assert from "node:assert/strict";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { suite, type TestContext, test } from "node:test";
import { createPageServer } from "../../../src/cli/page/page-server.ts";
import { systemClock as clock } from "../../../src/runtime/clock.ts";
import { Secret } from "../../../src/runtime/secret.ts";

const TOKEN = "token-of-the-page";
const PAGE = "<!doctype html><title>page</title>";

async function startPage(context: TestContext, port = 0) {
  const asked: string[] = [];
  const server = createPageServer(
    {
      clock,
      files: new Map([["", { type: "text/html; charset=utf-8", content: PAGE }]]),
      answer: async (path, query) => {
        asked.push(`${path}?${query.toString()}`);
        if (path === "broken") throw new Error("Cannot answer: the test says so; expected nothing");
        return path === "known" ? { answer: 42 } : undefined;
      },
    },
    { port, token: new Secret(TOKEN) },
  );
  context.after(() => server.close());
  return { server, asked, listening: await server.listen() };
}

function send(
  port: number,
  path: string,
  options: { readonly method?: string; readonly headers?: Readonly<Record<string, string>> } = {},
) {
  const { promise, resolve, reject } = Promise.withResolvers<{
    status: number | undefined;
    body: string;
    headers: NodeJS.Dict<string | string[]>;
  }>();
  const sent = request({ host: "127.0.0.1", port, path, agent: false, ...options }, (response) => {
    text(response).then((body) => resolve({ status: response.statusCode, body, headers: response.headers }), reject);
  });
  sent.on("error", reject);
  sent.end();
  return promise;
}

suite("createPageServer()", () => {
  test("createPageServer() serves the page with headers that keep everything else out", async (context) => {
    const { listening } = await startPage(context);
    assert.ok(listening.ok);
    const { status, body, headers } = await send(listening.value, `/${TOKEN}/`);
    assert.deepEqual([status, body], [200, PAGE]);
    const policy = String(headers["content-security-policy"]);
    for (const part of ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'none'"]) {
      assert.ok(policy.includes(part), part);
    }
    assert.ok(!/unsafe|https?:|\*/.test(policy), policy);
    assert.deepEqual(
      ["referrer-policy", "x-content-type-options", "cache-control", "cross-origin-resource-policy"].map(
        (name) => headers[name],
      ),
      ["no-referrer", "nosniff", "no-store", "same-origin"],
    );
    assert.equal(headers["access-control-allow-origin"], undefined);
  });

  test("createPageServer() answers data as JSON, and unknown paths with nothing", async (context) => {
    const { listening, asked } = await startPage(context);
    assert.ok(listening.ok);
    const known = await send(listening.value, `/${TOKEN}/data/known?a=1`);
    assert.deepEqual([known.status, known.body], [200, '{"answer":42}']);
    for (const path of ["data/unknown", "nothing", "../../etc/passwd", "%2e%2e/secret"]) {
      const { status, body } = await send(listening.value, `/${TOKEN}/${path}`);
      assert.deepEqual([status, body], [404, ""], path);
    }
    assert.deepEqual(asked, ["known?a=1", "unknown?"]);
  });

  test("createPageServer() answers 500 without the reason if an answer throws", async (context) => {
    const { listening } = await startPage(context);
    assert.ok(listening.ok);
    const { status, body } = await send(listening.value, `/${TOKEN}/data/broken`);
    assert.deepEqual([status, body], [500, ""]);
  });

  test("createPageServer() answers nothing, and asks nothing, for requests that the guard refuses", async (context) => {
    const { listening, asked } = await startPage(context);
    assert.ok(listening.ok);
    const data = `/${TOKEN}/data/known`;
    const cases = [
      [403, data, { headers: { host: `rebound.example:${listening.value}` } }],
      [403, data, { headers: { origin: "https://evil.example" } }],
      [403, data, { headers: { "sec-fetch-site": "cross-site" } }],
      [404, "/data/known", {}],
      [404, "/", {}],
      [405, data, { method: "POST" }],
      [405, data, { method: "DELETE" }],
    ] as const;
    for (const [expected, path, options] of cases) {
      const { status, body } = await send(listening.value, path, options);
      assert.deepEqual([status, body], [expected, ""], JSON.stringify([path, options]));
    }
    assert.deepEqual(asked, []);
  });

  test("createPageServer() says that another process has the port", async (context) => {
    const first = await startPage(context);
    assert.ok(first.listening.ok);
    const second = await startPage(context, first.listening.value);
    assert.ok(!second.listening.ok);
    assert.match(
      second.listening.problem,
      /^--port: another process listens on 127\.0\.0\.1:\d+, perhaps an earlier podrole ui; expected a free port/,
    );
  });
});
