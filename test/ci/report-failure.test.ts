// The issue about a scheduled workflow that fails: the script runs as in the workflow, against an API on loopback.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { suite, test } from "node:test";
import { FAILURE_LABEL } from "../../scripts/ci/failure-issue.ts";
import { ROOT } from "../files.ts";
import { listenOnLoopback } from "../loopback.ts";
import type { TestScope } from "../temporary-files.ts";

const TOKEN = "token-of-the-job";

interface Issue {
  readonly number: number;
  readonly title: string;
  readonly labels: readonly string[];
  readonly html_url: string;
  readonly comments: string[];
  state: "open" | "closed";
}

/** Starts a host that stores issues as GitHub does, for calls with the token. */
async function startHost(scope: TestScope) {
  const issues: Issue[] = [];
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const answer = (status: number, body: object) => response.writeHead(status).end(JSON.stringify(body));
    if (request.headers.authorization !== `Bearer ${TOKEN}`) return answer(403, { message: "not accessible" });
    const url = new URL(request.url ?? "", "http://host");
    const [, number] = /^\/repos\/example\/podrole\/issues\/(\d+)\/comments$/.exec(url.pathname) ?? [];
    const sent = JSON.parse((await text(request)) || "{}") as { title: string; body: string; labels: string[] };
    if (number !== undefined && request.method === "POST") {
      issues[Number(number) - 1]?.comments.push(sent.body);
      return answer(201, {});
    }
    if (url.pathname !== "/repos/example/podrole/issues") return answer(404, { message: "Not Found" });
    if (request.method === "GET") {
      const label = url.searchParams.get("labels") ?? "";
      return answer(
        200,
        issues.filter(({ labels, state }) => labels.includes(label) && state === url.searchParams.get("state")),
      );
    }
    const created = issues.length + 1;
    const html_url = `https://host.example/example/podrole/issues/${created}`;
    const { title, labels, body } = sent;
    issues.push({ number: created, html_url, title, labels, state: "open", comments: [body] });
    return answer(201, issues.at(-1) ?? {});
  };
  const port = await listenOnLoopback(
    scope,
    createServer((request, response) => void serve(request, response)),
  );
  return { issues, address: `http://127.0.0.1:${port}` };
}

async function report(address: string, workflow: string, run: number, token = TOKEN) {
  const env = {
    ...{ PATH: process.env["PATH"], GITHUB_API_URL: address, GITHUB_REPOSITORY: "example/podrole" },
    ...{ GITHUB_SERVER_URL: "https://host.example", GITHUB_RUN_ID: String(run), GITHUB_WORKFLOW: workflow },
    ...{ GITHUB_SHA: "0123abc", GITHUB_TOKEN: token },
  };
  const child = spawn(process.execPath, [join(ROOT, "scripts/ci/report-failure.ts")], { env });
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { stdout: stdout.trim(), stderr, status: status as number };
}

suite("reportFailure()", () => {
  test("opens one issue for each workflow, and comments on it while it is open", async (scope) => {
    const { issues, address } = await startHost(scope);
    const first = await report(address, "Long suites", 1);
    assert.deepEqual([first.status, first.stdout], [0, "https://host.example/example/podrole/issues/1"], first.stderr);
    assert.deepEqual((await report(address, "Advisories", 2)).stdout, "https://host.example/example/podrole/issues/2");
    assert.deepEqual((await report(address, "Long suites", 3)).stdout, first.stdout);
    assert.deepEqual(
      issues.map(({ title, labels }) => [title, labels]),
      [
        ['The scheduled workflow "Long suites" fails', [FAILURE_LABEL]],
        ['The scheduled workflow "Advisories" fails', [FAILURE_LABEL]],
      ],
    );
    const runs = issues.map(({ comments }) => comments.map((each) => /actions\/runs\/(\d+)/.exec(each)?.[1]));
    assert.deepEqual(runs, [["1", "3"], ["2"]]);
    assert.match(
      issues[0]?.comments[0] ?? "",
      /\(https:\/\/host\.example\/example\/podrole\/actions\/runs\/1\).*0123abc/,
    );
  });

  test("opens another issue if the former one is closed", async (scope) => {
    const { issues, address } = await startHost(scope);
    await report(address, "Long suites", 1);
    for (const issue of issues) issue.state = "closed";
    assert.match((await report(address, "Long suites", 2)).stdout, /issues\/2$/);
  });

  test("fails if the token may not write, and prints no token", async (scope) => {
    const { issues, address } = await startHost(scope);
    const { status, stderr } = await report(address, "Long suites", 1, "another-token");
    assert.notEqual(status, 0);
    assert.match(stderr, /Cannot GET .*: status 403/);
    assert.doesNotMatch(stderr, /another-token/);
    assert.deepEqual(issues, []);
  });
});
