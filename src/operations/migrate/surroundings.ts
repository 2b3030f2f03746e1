// What moves along with a pod although nobody wrote it into a role: SDK, region, metadata, the owner's way of restarting.
import type { Pod } from "../../kubernetes/objects.ts";
import { ANNOTATIONS, quoted } from "../../policy/annotations.ts";
import type { WarningCode } from "../../injection/warnings.ts";
import type { Before } from "./before.ts";
import { type After, type JudgeContext, said } from "./context.ts";
import type { Finding } from "./findings.ts";
import type { Workload } from "./inventory.ts";
import { metadataEndpointOf, metadataUseOf } from "./metadata-hints.ts";
import type { SdkAge } from "./sdk-hints.ts";

interface Outcome {
  readonly before: Before;
  readonly after: After;
  readonly sdk: SdkAge;
}

export function surroundingFindings(
  pod: Pod,
  workload: Workload,
  { before, after, sdk }: Outcome,
  context: JudgeContext,
): readonly Finding[] {
  if (after.plan.decision !== "inject") return edited(pod, workload, context);
  return [
    ...edited(pod, workload, context),
    ...otherKey(pod, context),
    ...oldSdk(sdk),
    ...(said(pod, ANNOTATIONS.metadata) === "enabled" ? [] : metadata(pod)),
    ...completion(pod, context),
    ...warnings(after, before),
  ];
}

/** The old systems follow an edit of a live pod; a pod made anew has what its template says. */
function edited(pod: Pod, { template, kind, name }: Workload, { predecessor: { roleKey } }: JudgeContext) {
  if (!template || template === pod) return [];
  const [live, next] = [said(pod, roleKey), said(template, roleKey)];
  if (live === next) return [];
  const state = `the live pod says ${live === undefined ? "no role" : quoted(live)}, the template of ${kind}/${name} ${next === undefined ? "no role" : quoted(next)}`;
  const todo = `bring ${kind}/${name} up to date: a restart takes the template's role`;
  return [{ id: "edited", weight: "work", text: state, todo } as const];
}

function otherKey(pod: Pod, { predecessor: { roleKey } }: JudgeContext): readonly Finding[] {
  const value = roleKey === ANNOTATIONS.role ? undefined : said(pod, roleKey);
  if (value === undefined) return [];
  const todo = `add the annotation ${ANNOTATIONS.role}: ${value}`;
  return [{ id: "annotation-key", weight: "work", text: `podrole does not read ${roleKey}`, todo }];
}

function oldSdk(sdk: SdkAge): readonly Finding[] {
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

function metadata(pod: Pod): readonly Finding[] {
  const [use, endpoint] = [metadataUseOf(pod), metadataEndpointOf(pod)];
  return [
    ...(use
      ? [
          {
            id: "metadata-paths",
            weight: "change",
            text: `container ${quoted(use.container)} asks 169.254.169.254 for ${use.what}, which podrole does not intercept`,
            todo: `set ${ANNOTATIONS.metadata}: enabled, or pass the value in a variable`,
          } as const,
        ]
      : []),
    ...(endpoint
      ? [
          {
            id: "metadata-endpoint",
            weight: "change",
            text: `container ${quoted(endpoint.container)} sets ${endpoint.variable}; podrole turns metadata off for SDKs`,
            todo: `take it off, and set ${ANNOTATIONS.metadata}: enabled where metadata is needed`,
          } as const,
        ]
      : []),
  ];
}

/** Only a native sidecar ends when the pod's own containers have ended. */
function completion(pod: Pod, { settings }: JudgeContext): readonly Finding[] {
  const ends = pod.spec.restartPolicy === "Never" || pod.spec.restartPolicy === "OnFailure";
  if (!ends || (settings.nativeSidecar && said(pod, ANNOTATIONS.mode) !== "classic")) return [];
  return [
    {
      id: "does-not-complete",
      weight: "work",
      text: "without native sidecars (Kubernetes 1.29) the pod never completes",
      todo: "update the cluster first, or leave its namespace with the old system",
    },
  ];
}

/** Findings of their own say these: `does-not-complete`, and that classic mode is the cluster's. */
const SAID_ELSEWHERE: ReadonlySet<WarningCode> = new Set<WarningCode>(["NEVER_COMPLETES", "STARTS_UNREADY"]);
const SHADOWS: ReadonlySet<WarningCode> = new Set<WarningCode>(["CREDENTIALS_SHADOWED", "ENDPOINT_FOREIGN"]);

/** What shadows podrole shadowed the old system as well: both come last in an SDK's search. */
function warnings({ plan }: After, before: Before): readonly Finding[] {
  return plan.warnings
    .filter(({ code }) => !SAID_ELSEWHERE.has(code))
    .map(({ code, text }) =>
      SHADOWS.has(code)
        ? {
            id: "shadowed",
            weight: "note",
            text: before.kind === "given" ? `${text}, as before the old system: the role has no effect` : text,
          }
        : { id: "warning", weight: "note", text },
    );
}
