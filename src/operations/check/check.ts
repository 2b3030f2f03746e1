// podrole check: is podrole well in this cluster, or could it be installed? Reads, judges, tells; changes nothing (the
// pod of --imds is the exception, and is deleted). Exit codes: 0 nothing failed, 1 something did, 2 the command line is
// wrong or the cluster cannot be reached.
import { PodroleError } from "../../protocol/errors.ts";
import { type Clock, sleep, systemClock } from "../../runtime/clock.ts";
import { duration } from "../../runtime/settings.ts";
import { connectAsPerson } from "../connection.ts";
import type { Action } from "../../cli/program.ts";
import type { Terminal } from "../../cli/terminal.ts";
import { VERSION } from "../../runtime/version.ts";
import { CHECKS } from "./checks.ts";
import { collect, type CollectDeps, type CollectOptions } from "./collect.ts";
import { type Finding, findingsOf } from "./finding.ts";
import { isWell, reportJson, reportText } from "./report.ts";

const AGAIN_MS = 3_000;

export const check: Action = async (terminal, flags) => {
  const waitMs = flags["wait"] === undefined ? 0 : duration.parse(flags["wait"]);
  if (waitMs === undefined) {
    terminal.err(`podrole check: --wait: ${JSON.stringify(flags["wait"])} is not ${duration.expects}\n`);
    return 2;
  }
  const json = flags["output"] === "json";
  const options: CollectOptions = {
    namespace: flags["namespace"] ?? "podrole",
    phase: flags["pre"] === "true" ? "pre" : "installed",
    namespaceSelector: flags["namespaceSelector"],
    imdsNamespace: flags["imds"],
    cliVersion: VERSION,
  };
  try {
    const kubernetes = connectAsPerson(terminal, flags);
    const progress = (step: string) => terminal.err(`podrole check: ${step}\n`);
    const deps = { kubernetes, clock: systemClock, interrupted: terminal.interrupted, progress };
    try {
      const findings = await untilWell(deps, options, waitMs);
      terminal.out(json ? reportJson(findings) : reportText(findings));
      return isWell(findings) ? 0 : 1;
    } finally {
      await kubernetes.close();
    }
  } catch (error) {
    return tellUnreachable(terminal, error);
  }
};

/** Looks again until nothing fails, `waitMs` are over or somebody interrupts. */
async function untilWell(deps: CollectDeps, options: CollectOptions, waitMs: number): Promise<readonly Finding[]> {
  const { clock, interrupted, progress }: { clock: Clock } & CollectDeps = deps;
  const until = clock.now() + waitMs;
  for (;;) {
    const findings = findingsOf(CHECKS, await collect(deps, options), options.phase);
    if (isWell(findings) || clock.now() >= until || interrupted.aborted) return findings;
    const bad = new Set(findings.filter(({ state }) => state === "failed").map(({ id }) => id));
    progress(`waiting for ${[...bad].join(", ")}`);
    await sleep(clock, AGAIN_MS, interrupted);
  }
}

function tellUnreachable({ err }: Terminal, error: unknown): number {
  if (!(error instanceof PodroleError)) throw error;
  err(`podrole check: ${error.message}\n`);
  return 2;
}
