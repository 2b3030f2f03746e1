// Findings about everything of a pod except its role: its template, its SDK, instance metadata, whether it completes.

import { SHADOW_WARNINGS, type Warning, type WarningCode } from "../../../injection/warnings.ts";
import type { Pod } from "../../../kubernetes/objects.ts";
import { ANNOTATIONS, quoted, valueOf } from "../../../policy/annotations.ts";
import type { Workload } from "../input/inventory.ts";
import type { PredecessorOutcome } from "../predecessor/predecessor.ts";
import type { MigrationFinding } from "./finding.ts";
import { metadataEndpointOf, metadataUseOf } from "./metadata-use.ts";
import type { AssessContext, PodroleOutcome } from "./pod-assessment.ts";
import type { SdkAge } from "./sdk-versions.ts";

interface Outcome {
  readonly before: PredecessorOutcome;
  readonly after: PodroleOutcome;
  readonly sdk: SdkAge;
}

/** Returns the findings; for a pod that podrole would not inject, only whether it was edited. */
export function podFindings(
  pod: Pod,
  workload: Workload,
  { before, after, sdk }: Outcome,
  context: AssessContext,
): readonly MigrationFinding[] {
  if (after.plan.decision !== "inject") return editedPodFindings(pod, workload, context);
  return [
    ...editedPodFindings(pod, workload, context),
    ...otherKey(pod, context),
    ...oldSdk(sdk),
    ...(annotationOf(pod, ANNOTATIONS.metadata) === "enabled" ? [] : metadataFindings(pod)),
    ...completionFindings(pod, context),
    ...warningFindings(after, before, context),
  ];
}

/** kiam and kube2iam follow an edit of a live pod; a recreated pod has the annotations of its template. */
function editedPodFindings(pod: Pod, { template, kind, name }: Workload, { predecessor: { roleKey } }: AssessContext) {
  if (!template || template === pod) return [];
  const [live, next] = [annotationOf(pod, roleKey), annotationOf(template, roleKey)];
  if (live === next) return [];
  const text = `the live pod has ${describeRole(live)}, the template of ${kind}/${name} has ${describeRole(next)}`;
  const todo = `update ${kind}/${name}: a restart applies the template's role`;
  return [{ id: "edited", weight: "work", text, todo } as const];
}

function describeRole(role: string | undefined): string {
  return role === undefined ? "no role" : `role ${quoted(role)}`;
}

function otherKey(pod: Pod, { predecessor: { roleKey } }: AssessContext): readonly MigrationFinding[] {
  const value = roleKey === ANNOTATIONS.role ? undefined : annotationOf(pod, roleKey);
  if (value === undefined) return [];
  const todo = `add the annotation ${ANNOTATIONS.role}: ${value}`;
  return [{ id: "annotation-key", weight: "work", text: `podrole does not read ${roleKey}`, todo }];
}

function oldSdk(sdk: SdkAge): readonly MigrationFinding[] {
  if (sdk.age !== "old") return [];
  const { container, tool, version, since } = sdk;
  return [
    {
      id: "sdk-too-old",
      weight: "work",
      text: `container ${quoted(container)}: ${tool} ${version} does not read the token file, ${since} does`,
      todo: `update it to ${since} or newer, or set ${ANNOTATIONS.metadata}: enabled`,
    },
  ];
}

function metadataFindings(pod: Pod): readonly MigrationFinding[] {
  const [use, endpoint] = [metadataUseOf(pod), metadataEndpointOf(pod)];
  return [
    ...(use
      ? [
          {
            id: "metadata-paths",
            weight: "change",
            text: `container ${quoted(use.container)} requests ${use.what} from 169.254.169.254, which podrole does not intercept`,
            todo: `set ${ANNOTATIONS.metadata}: enabled, or pass the value in an environment variable`,
          } as const,
        ]
      : []),
    ...(endpoint
      ? [
          {
            id: "metadata-endpoint",
            weight: "change",
            text: `container ${quoted(endpoint.container)} sets ${endpoint.variable}; podrole disables instance metadata for SDKs`,
            todo: `remove it, and set ${ANNOTATIONS.metadata}: enabled if the container needs metadata`,
          } as const,
        ]
      : []),
  ];
}

/** Only a native sidecar terminates when the pod's own containers have terminated. */
function completionFindings(pod: Pod, { settings }: AssessContext): readonly MigrationFinding[] {
  const ends = pod.spec.restartPolicy === "Never" || pod.spec.restartPolicy === "OnFailure";
  if (!ends || (settings.nativeSidecar && annotationOf(pod, ANNOTATIONS.mode) !== "classic")) return [];
  return [
    {
      id: "does-not-complete",
      weight: "work",
      text: "without native sidecars (Kubernetes 1.29 or later) the pod never completes",
      todo: "upgrade the cluster first, or leave its namespace with the old system",
    },
  ];
}

/**
 * NEVER_COMPLETES is the finding `does-not-complete`; STARTS_UNREADY follows from classic mode, a setting of the
 * cluster.
 */
const REPORTED_ELSEWHERE: ReadonlySet<WarningCode> = new Set<WarningCode>(["NEVER_COMPLETES", "STARTS_UNREADY"]);
const DNS_REMEDY =
  "set dnsPolicy: ClusterFirst, or add the server's name and the address of its Service to hostAliases";

function warningFindings(
  { plan }: PodroleOutcome,
  before: PredecessorOutcome,
  { predecessor }: AssessContext,
): readonly MigrationFinding[] {
  return plan.warnings
    .filter(({ code }) => !REPORTED_ELSEWHERE.has(code))
    .map((warning) => warningFinding(warning, before, predecessor.name));
}

/** Credentials that shadow podrole shadow the predecessor as well: SDKs search both last. */
function warningFinding({ code, text }: Warning, before: PredecessorOutcome, old: string): MigrationFinding {
  if (code === "SERVER_UNRESOLVED") return { id: "dns-policy", weight: "work", text, todo: DNS_REMEDY };
  if (!SHADOW_WARNINGS.has(code)) return { id: "warning", weight: "note", text };
  const today = before.kind === "granted" ? `, as with ${old} today: the role has no effect` : "";
  return { id: "shadowed", weight: "note", text: `${text}${today}` };
}

/** The pod's value for an annotation key; an empty text is a value. */
function annotationOf({ metadata }: Pod, key: string): string | undefined {
  return valueOf(metadata.annotations ?? {}, key);
}
