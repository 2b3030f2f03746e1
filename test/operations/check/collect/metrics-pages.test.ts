import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "../../../../src/kubernetes/objects.ts";
import { readMetricsPages } from "../../../../src/operations/check/collect/metrics-pages.ts";
import { type Deployment, readInstalled } from "../../../../src/operations/installed.ts";

function deploymentOf(program: "server" | "webhook", flags: readonly string[]): Deployment {
  const metadata = { labels: { app: program } };
  const template: Pod = { metadata, spec: { containers: [{ name: program, args: [program, ...flags] }] } };
  return { metadata: { name: program }, spec: { template } };
}

function podOf(program: "server" | "webhook"): Pod {
  const metadata = { name: `${program}-0`, labels: { app: program } };
  return { metadata, spec: { containers: [] }, status: { phase: "Running" } };
}

for (const [what, flags, port] of [
  ["without a flag", [], 8080],
  ["with --pages-bind", ["--pages-bind", "[::]:9090"], 9090],
  ["with settings that cannot be read", ["--pages-bind", "nowhere"], 8080],
] as const) {
  test(`readMetricsPages() reads the metrics of each program at port ${port} ${what}`, async () => {
    const read: string[] = [];
    const kubernetes = {
      readPage: async ({ name }: { readonly name: string }, at: number, path: string) => {
        read.push(`${name}:${at}${path}`);
        return { status: 200, text: "" };
      },
    };
    const deployments = [deploymentOf("server", flags), deploymentOf("webhook", flags)];
    const pods = [podOf("server"), podOf("webhook")];
    const programs = readInstalled(deployments, []);
    await readMetricsPages(kubernetes, programs, { value: deployments }, { value: pods }, "podrole");
    assert.deepEqual(read, [`server-0:${port}/metrics`, `webhook-0:${port}/metrics`]);
  });
}
