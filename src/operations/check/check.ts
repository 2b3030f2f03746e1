// Checks that podrole is healthy in a cluster, or that the cluster can run it: reads facts, judges them, and repeats
// until nothing fails. Changes nothing, except that --imds creates a pod and deletes it again.
import { ApiError } from "../../kubernetes/errors.ts";
import { sleep } from "../../runtime/clock.ts";
import { failure, type Result, success } from "../../runtime/result.ts";
import { createSuggester } from "../../runtime/suggest.ts";
import { type CollectDeps, type CollectOptions, collectFacts } from "./collect/collect.ts";
import type { PodScope } from "./collect/users.ts";
import { CHECK_SECTIONS, type CheckTable, type Finding, findingsOf, isHealthy } from "./finding.ts";
import { ANNOTATION_GUARD_CHECKS } from "./tables/annotation-guard.ts";
import { CERTIFICATE_CHECKS } from "./tables/certificates.ts";
import { CREDENTIAL_CHECKS } from "./tables/credentials.ts";
import { INSTALLATION_CHECKS } from "./tables/installation.ts";
import { METRICS_CHECKS } from "./tables/metrics.ts";
import { NAMESPACE_CHECKS } from "./tables/namespaces.ts";
import { POD_CERTIFICATE_CHECKS } from "./tables/pod-certificates.ts";
import { POD_CHECKS } from "./tables/pods.ts";
import { PREREQUISITE_CHECKS } from "./tables/prerequisites.ts";
import { RBAC_CHECKS } from "./tables/rbac.ts";
import { REGISTRATION_CHECKS } from "./tables/registration.ts";

/** Every check, in the order of the output; the pages of CHECK_PAGES are generated from this table. */
export const CLUSTER_CHECKS: CheckTable = {
  ...PREREQUISITE_CHECKS,
  ...RBAC_CHECKS,
  ...INSTALLATION_CHECKS,
  ...POD_CERTIFICATE_CHECKS,
  ...CERTIFICATE_CHECKS,
  ...REGISTRATION_CHECKS,
  ...ANNOTATION_GUARD_CHECKS,
  ...METRICS_CHECKS,
  ...NAMESPACE_CHECKS,
  ...POD_CHECKS,
  ...CREDENTIAL_CHECKS,
};

/** What to check, and for how long. */
export interface CheckOptions extends CollectOptions {
  /** How long to repeat the checks while one fails, in milliseconds; 0 checks once. */
  readonly waitMs: number;
  /** Checks that are not run: ids or sections. */
  readonly skip: readonly string[];
}

const RECHECK_INTERVAL_MS = 3_000;

/**
 * Resolves with the findings when nothing fails, when `waitMs` are over, or on interruption; with the problem if there
 * is no namespace of the given name. Throws ApiError when the API server does not answer.
 */
export async function check(
  deps: CollectDeps,
  { waitMs, skip, ...options }: CheckOptions,
): Promise<Result<readonly Finding[]>> {
  const { kubernetes, clock, interrupted, progress } = deps;
  const problem = findSkipProblem(skip) ?? (await findNamespaceProblem(kubernetes, options.pods));
  if (problem !== undefined) return failure(problem);
  const until = clock.now() + waitMs;
  for (;;) {
    const findings = findingsOf(CLUSTER_CHECKS, await collectFacts(deps, options), options.phase, skip);
    if (isHealthy(findings) || clock.now() >= until || interrupted.aborted) return success(findings);
    const failed = new Set(findings.filter(({ state }) => state === "failed").map(({ id }) => id));
    progress(`waiting for ${[...failed].join(", ")}`);
    await sleep(clock, RECHECK_INTERVAL_MS, interrupted);
  }
}

/** A misspelt name would skip nothing, and its check would fail a job that was to ignore it. */
function findSkipProblem(skip: readonly string[]): string | undefined {
  const names = [...Object.keys(CLUSTER_CHECKS), ...Object.keys(CHECK_SECTIONS)];
  const wrong = skip.find((name) => !names.includes(name));
  if (wrong === undefined) return undefined;
  const nearest = createSuggester(names)(wrong);
  const hint = nearest === undefined ? "expected one of docs/checks.md" : `did you mean ${nearest}?`;
  return `--skip: ${JSON.stringify(wrong)} is neither a check nor a section; ${hint}`;
}

/** A misspelt name would select no pods, and every check of pods would pass. */
async function findNamespaceProblem(
  kubernetes: CollectDeps["kubernetes"],
  pods: PodScope | undefined,
): Promise<string | undefined> {
  if (pods === undefined || !("namespace" in pods)) return undefined;
  try {
    const found = await kubernetes.getNamespace(pods.namespace);
    return found === undefined ? `--namespace: there is no namespace "${pods.namespace}"` : undefined;
  } catch (error) {
    // A caller without this permission gets its checks skipped, with the reason.
    if (error instanceof ApiError && error.status === 403) return undefined;
    throw error;
  }
}
