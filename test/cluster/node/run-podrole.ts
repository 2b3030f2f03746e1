// podrole's command line against the suite's cluster, as an operator runs it.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { Finding } from "../../../src/operations/check/finding.ts";
import { ROOT } from "../../files.ts";

const { KUBECONFIG = "" } = process.env;

/** Starts a command. */
export function startPodrole(args: readonly string[]): ChildProcess {
  const entry = join(ROOT, "src/cli/main.ts");
  return spawn(process.execPath, [entry, ...args, "--kubeconfig", KUBECONFIG], { stdio: ["ignore", "pipe", "pipe"] });
}

/** Runs a command; resolves with its exit code and output. */
export async function runPodrole(args: readonly string[]) {
  const child = startPodrole(args);
  const ended = once(child, "close") as Promise<[number]>;
  const [out, err, [code]] = await Promise.all([text(child.stdout as never), text(child.stderr as never), ended]);
  return { code, out, err };
}

/** Runs `podrole check`; `of` returns the finding of a check. */
export async function runCheck(...args: readonly string[]) {
  const { code, out, err } = await runPodrole(["check", "-o", "json", ...args]);
  assert.notEqual(code, 2, err);
  const { findings } = JSON.parse(out) as { findings: readonly Finding[] };
  const of = (id: string) => findings.find((finding) => finding.id === id) ?? assert.fail(`no finding for ${id}`);
  return { code, findings, of };
}
