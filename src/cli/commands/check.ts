// podrole check. Exit codes: 0 nothing failed, 1 a check failed, 2 usage, the cluster cannot be reached, or a check
// could not look.
import { check } from "../../operations/check/check.ts";
import { hasLooked, isHealthy } from "../../operations/check/finding.ts";
import { USUAL_NAMESPACE } from "../../operations/podrole-namespace.ts";
import { webhookConfiguration } from "../../operations/webhook-configuration.ts";
import { systemClock as clock } from "../../runtime/clock.ts";
import { VERSION } from "../../runtime/version.ts";
import { readCheck } from "../arguments/check.ts";
import { withPodrole } from "../cluster.ts";
import { checkJson, checkText } from "../output/check.ts";
import { jsonText } from "../output/text.ts";
import { type Action, writeNote, writeProblems } from "../terminal.ts";

/** Runs podrole check. */
export const checkAction: Action = async (terminal, flags) => {
  const read = readCheck(flags);
  if (!read.ok) return writeProblems(terminal, "check", read.problems);
  const { connection, podroleNamespace, json, isQuiet, isPrinting, ...options } = read.value;
  if (isPrinting) {
    terminal.out(jsonText(webhookConfiguration(podroleNamespace ?? USUAL_NAMESPACE)));
    return 0;
  }
  const { interrupted } = terminal;
  const progress = isQuiet ? () => {} : (step: string) => writeNote(terminal, "check", step);
  const place = { connection, podroleNamespace, namespace: flags["namespace"] };
  return withPodrole(terminal, "check", place, async (kubernetes, namespace) => {
    const deps = { kubernetes, clock, interrupted, progress };
    const result = await check(deps, { ...options, namespace, cliVersion: VERSION });
    if (!result.ok) return writeProblems(terminal, "check", [result.problem]);
    const findings = result.value;
    terminal.out(json ? checkJson(findings) : checkText(findings, { isQuiet }));
    if (!isHealthy(findings)) return 1;
    return hasLooked(findings) ? 0 : 2;
  });
};
