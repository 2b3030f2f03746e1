// Checks of the pods that use podrole, judged as at admission, and of what a pod reaches on its node.

import { PODROLE_NAMES } from "../../../injection/names.ts";
import { isInjected } from "../../../injection/parts.ts";
import { hasRoleAnnotation } from "../../../injection/pod-annotations.ts";
import { allContainers } from "../../../injection/shape.ts";
import { SHADOW_WARNINGS } from "../../../injection/warnings.ts";
import type { Pod } from "../../../kubernetes/objects.ts";
import { podFacts } from "../../../policy/facts.ts";
import { pinnedFacts } from "../../../policy/pin.ts";
import { isRefusal } from "../../../protocol/errors.ts";
import { completeAnswer } from "../../answer.ts";
import { CHECK_STEP, rolesNamedBy, stepsAfterCode } from "../../code-steps.ts";
import { countOf } from "../../format.ts";
import { creatorOf, explainStep, stepsIn, templateObject } from "../../next-steps.ts";
import { absenceOf } from "../../program-absence.ts";
import { type AnsweredDiagnosis, diagnoseCode } from "../../sidecar-diagnosis.ts";
import type { PodSurroundings } from "../../status/diagnose-seen.ts";
import type { PodRow } from "../../status/model.ts";
import { injectedRestartSteps, triedPod } from "../../trial-pod.ts";
import { diagnoseUninjected, podTimesOf } from "../../uninjected-cause.ts";
import {
  type CheckVerdict,
  failed,
  inSection,
  judgeKnown,
  ok,
  problemsOrOk,
  REMEDY_PAGES,
  skipped,
  warning,
  withDiagnosis,
} from "../finding.ts";
import { planOf, podRowsOf, qualifiedPodName, surroundingsOf, type Workloads, workloadsOf } from "../workloads.ts";

/** Checks of section "workloads" that judge pods, and of section "nodes". */
export const POD_CHECKS = {
  ...inSection("workloads", "installed", {
    PODS_INJECTED: {
      summary: "Every running pod that names a role has podrole's sidecar.",
      remedy:
        "Restart the pod (`kubectl rollout restart`), because podrole injects a pod only when it is created. `podrole explain pod/NAME -n NAMESPACE` shows in advance what podrole will do.",
      judge: (facts) =>
        judgeKnown(workloadsOf(facts), (workloads) => {
          const injected = workloads.pods.filter(isInjected).length;
          const rows = new Map(podRowsOf(facts).map((row) => [`${row.namespace}/${row.pod}`, row]));
          const surroundings = surroundingsOf(facts);
          const { isOneNamespace } = facts;
          return problemsOrOk(
            workloads.pods
              .filter((pod) => !isInjected(pod))
              .flatMap((pod) => {
                const row = rows.get(qualifiedPodName(pod));
                return judgeUninjected(pod, { isOneNamespace, surroundings, workloads, row }) ?? [];
              }),
            injected === 0
              ? "no pod names a role"
              : `${countOf(injected, "pod")} injected, and no pod that names a role lacks the sidecar`,
          );
        }),
    },
    ROLES_PERMITTED: {
      summary: "The namespace of every injected pod still permits the pod's roles.",
      remedy: `Permit the role in the namespace again, or name another role in the pod. Otherwise, the pod's sidecar stops serving credentials at its next renewal (if the code is PERMITTED_INVALID, only when they expire). ${REMEDY_PAGES.errors} describes the code in the message.`,
      judge: (facts) =>
        judgeKnown(workloadsOf(facts), (workloads) =>
          problemsOrOk(
            workloads.pods.filter(isInjected).flatMap((pod) => {
              const planned = planOf(pod, workloads);
              return planned?.decision === "refuse"
                ? [failed(`${planned.reason}: ${planned.message}`, `pod ${qualifiedPodName(pod)}`)]
                : [];
            }),
            "the namespace of every injected pod permits the pod's roles",
          ),
        ),
    },
    PODROLE_USED: {
      summary: "No injected pod has credentials, a profile or an endpoint of its own that its SDKs use before podrole.",
      remedy:
        "Remove the variable or the mount that the message names, and restart the pod; or leave it if the pod shall not use its role. [docs/sdk.md](sdk.md#what-takes-precedence-over-podrole) lists what takes precedence.",
      judge: (facts) =>
        judgeKnown(workloadsOf(facts), (workloads) =>
          problemsOrOk(
            workloads.pods.filter(isInjected).flatMap((pod) => {
              const warnings = planOf(pod, workloads)?.warnings ?? [];
              const shadows = warnings.filter(({ code }) => SHADOW_WARNINGS.has(code)).map(({ text }) => text);
              return shadows.length > 0 ? [warning(shadows.join("; "), `pod ${qualifiedPodName(pod)}`)] : [];
            }),
            "no injected pod has credentials that its SDKs use before podrole",
          ),
        ),
    },
    SIDECARS_READY: {
      summary: "The sidecar of every injected pod has credentials, or has just been started.",
      remedy: `The message ends with the code and the remedy that the sidecar left behind; ${REMEDY_PAGES.errors} describes the codes. \`podrole explain pod/NAME -n NAMESPACE\` shows the pod's whole state.`,
      judge: (facts) =>
        judgeKnown(facts.pods, (pods) => {
          const rows = podRowsOf(facts);
          const { server, installation = {} } = surroundingsOf(facts);
          const absence = server && absenceOf("server", server, installation)?.cause;
          const first = [...Map.groupBy(rows, ({ uid, namespace, pod }) => uid ?? `${namespace}/${pod}`).values()];
          return problemsOrOk(
            first.flatMap(([row]) => (row && judgeSidecar(row, absence)) ?? []),
            pods.some(isInjected) ? "no sidecar waits to be restarted" : "no pod is injected",
          );
        }),
    },
    ROLES_APPLIED: {
      summary: "Every container has the role that its pod names now.",
      remedy:
        "If the change is intended, do nothing: the container gets the new role with its next renewal, or with `--pin-roles` when its pod is created again. Otherwise, name the earlier role in the pod's annotation again.",
      judge: (facts) =>
        judgeKnown(facts.pods, () => {
          const changed = podRowsOf(facts).filter(
            ({ phase, code, requestedRole }) => phase === "ready" && code === undefined && requestedRole !== undefined,
          );
          return problemsOrOk(
            changed.map((row) =>
              withDiagnosis(
                warning("A container has another role than its pod names now", rowObject(row)),
                row,
                stepsIn(row),
              ),
            ),
            "every container has the role that its pod names",
          );
        }),
    },
    PODS_CREATED: {
      summary:
        "Every workload can create its pods: in the last 20 minutes neither podrole nor, in labelled namespaces, a quota refused one that is still missing.",
      remedy: `Do what the message says; ${REMEDY_PAGES.errors} describes the codes.`,
      judge: ({ blocked }) =>
        judgeKnown(blocked, (workloads) =>
          problemsOrOk(
            workloads.map((workload) =>
              withDiagnosis(
                failed("It cannot create its pods", `${workload.workload} in namespace ${workload.namespace}`),
                workload,
                stepsIn(workload),
              ),
            ),
            "no workload was refused a pod by podrole or by a quota",
          ),
        ),
    },
    PODS_PINNED: {
      summary: "With `--pin-roles`, every running injected pod has a pin.",
      remedy: `Restart the pod (\`kubectl rollout restart\`): the webhook pins roles only when a pod is created. With \`--pin-roles\`, the server refuses credentials to a pod without a pin (ROLE_UNPINNED), and the pod's sidecar serves the present ones until they expire ([docs/configuration.md](configuration.md#pinned-roles)).`,
      judge: (facts) =>
        judgeKnown(facts.installed, ({ server }) => {
          if (!server?.settings) return skipped("The server's settings are unknown");
          if (!server.settings.pinRoles) return ok("--pin-roles is not set for the server, so no pod needs a pin");
          return judgeKnown(workloadsOf(facts), ({ pods }) =>
            problemsOrOk(
              pods.filter(isInjected).flatMap((pod) => {
                const pinned = pinnedFacts(podFacts(pod, pod.metadata.namespace ?? ""));
                return isRefusal(pinned) ? [failed(pinned.message, `pod ${qualifiedPodName(pod)}`)] : [];
              }),
              "every injected pod has a pin",
            ),
          );
        }),
    },
    SIDECAR_VERSIONS: {
      summary: "Every injected pod runs the sidecar image that the webhook injects now.",
      remedy:
        "Restart the pods when convenient. Until then, the older sidecars work with the newer server, within the version skew that docs/operate.md lists.",
      judge: (facts) =>
        judgeKnown(workloadsOf(facts), ({ pods, settings }) => {
          const counts = new Map<string, number>();
          for (const pod of pods.filter(isInjected)) {
            const image = allContainers(pod).find(({ name }) => name === PODROLE_NAMES.sidecar)?.image ?? "none";
            counts.set(image, (counts.get(image) ?? 0) + 1);
          }
          const others = [...counts].filter(([image]) => image !== settings.image);
          if (others.length === 0) return ok(`the webhook injects ${settings.image}`);
          const found = others.map(([image, count]) => `${countOf(count, "pod")} with ${image}`).join(", ");
          return warning(`${found}; expected ${settings.image} after their next restart`);
        }),
    },
  }),
  ...inSection("nodes", "installed", {
    INSTANCE_METADATA: {
      summary:
        "Pods cannot reach the node's instance metadata service. podrole check tests this only with `--imds NAMESPACE`, which runs a short-lived pod in that namespace.",
      remedy:
        "Block 169.254.169.254 for application pods with a NetworkPolicy, and set `HttpTokens` to `required` and `HttpPutResponseHopLimit` to 1 for the EC2 instances ([docs/install.md](install.md#block-the-nodes-role)).",
      judge: ({ metadata }) =>
        judgeKnown(metadata, ({ namespace, answer, detail }) => {
          const object = `namespace ${namespace}`;
          switch (answer) {
            case "reached":
              return failed(
                `A pod can reach the instance metadata service (${detail}); expected it to be blocked`,
                object,
              );
            case "silent":
              return ok(`a pod in namespace "${namespace}" cannot reach the instance metadata service (${detail})`);
            case "unknown":
              return warning(`The test pod reported no result: ${detail}`, object);
          }
        }),
    },
  }),
};

function rowObject({ namespace, pod }: PodRow): string {
  return `pod ${namespace}/${pod}`;
}

/** Judges the sidecar of an injected pod; undefined if it is ready, or if the pod is still being started. */
function judgeSidecar(row: PodRow, absence: string | undefined): CheckVerdict | undefined {
  const { phase, restarts, code } = row;
  // The kubelet's reason is Completed also for a sidecar that ended with an error once its hook had failed.
  const reason = phase === "ended" && code !== undefined ? code : row.reason;
  const isFirstStart = phase === "starting" && restarts === 0;
  const isBeingStarted = phase === "waiting" && STARTING.has(reason ?? "");
  if (!UNREADY_PHASES.has(phase) || isFirstStart || isBeingStarted) return undefined;
  const state = phase === "starting" ? "runs without credentials" : "does not run";
  const times =
    restarts === 0 ? "not restarted yet" : restarts === 1 ? "restarted once" : `restarted ${restarts} times`;
  const why = reason === undefined ? "" : ` (${reason})`;
  const verdict = failed(`podrole-sidecar ${state}${why} and was ${times}`, rowObject(row));
  const steps = stepsIn(row);
  const explain = explainStep({ namespace: row.namespace, kind: "pod", name: row.pod });
  const useful = steps.map((step) => (step === CHECK_STEP ? explain : step));
  if (row.cause === absence) return withDiagnosis(verdict, { cause: SERVER_AWAY }, []);
  return withDiagnosis(verdict, row, useful.length === 0 ? [explain] : useful);
}

const SERVER_AWAY = "podrole's server has no ready replica: see SERVER_READY";

const UNREADY_PHASES: ReadonlySet<PodRow["phase"]> = new Set(["starting", "waiting", "ended"]);

/** Reasons of the kubelet for a container that waits for its first start. */
const STARTING: ReadonlySet<string> = new Set(["PodInitializing", "ContainerCreating"]);

interface UninjectedInput {
  readonly isOneNamespace: boolean;
  readonly surroundings: PodSurroundings;
  readonly workloads: Workloads;
  /** The pod's row, which has the diagnosis; undefined if no annotation of the pod names a role. */
  readonly row: PodRow | undefined;
}

/** Judges a pod that is not injected; undefined if it needs no injection. */
function judgeUninjected(
  pod: Pod,
  { isOneNamespace, surroundings, workloads, row }: UninjectedInput,
): CheckVerdict | undefined {
  const planned = planOf(pod, workloads);
  const object = `pod ${qualifiedPodName(pod)}`;
  switch (planned?.decision) {
    case "inject": {
      const verdict = failed("It is not injected", object);
      if (row !== undefined) return withDiagnosis(verdict, row, stepsIn(row));
      const { steps, ...diagnosis } = uninjectedWithoutAnnotation(pod, surroundings);
      return withDiagnosis(verdict, diagnosis, steps);
    }
    case "refuse": {
      const [code, message] = [planned.reason, planned.message];
      const concerned = { ...concernedByCheck(pod, surroundings), message };
      const { cause, remedy } = diagnoseCode({ code, message }, concerned);
      const verdict = failed("It is not injected, and would be refused if it were created now", object);
      const answer = { cause, ...(remedy !== undefined && { remedy }), steps: stepsAfterCode(code, concerned) };
      const { steps, ...diagnosis } = completeAnswer(answer, concerned.object);
      return withDiagnosis(verdict, diagnosis, steps);
    }
    case "skip": {
      if (planned.reason === "NO_ROLE" && row !== undefined) {
        return withDiagnosis(warning("It has no role and is not injected", object), row, stepsIn(row));
      }
      if (!hasRoleAnnotation(pod) || planned.reason === "INJECTION_DISABLED") return undefined;
      const isUnlabelled = planned.reason === "NAMESPACE_NOT_LABELLED";
      // In the whole cluster, another program may still serve the namespaces without the label.
      const judge = isUnlabelled && isOneNamespace ? failed : warning;
      const verdict = judge("It names a role but is not injected", object);
      return isUnlabelled && row !== undefined
        ? withDiagnosis(verdict, row, stepsIn(row))
        : withDiagnosis(verdict, { cause: `${planned.reason}: ${planned.message}` }, []);
    }
    case undefined:
      return undefined;
  }
}

/** Of a pod whose role is named by its ServiceAccount or its namespace, so that podrole status does not show it. */
function uninjectedWithoutAnnotation(pod: Pod, surroundings: PodSurroundings): AnsweredDiagnosis {
  const { registeredAt, isRegistered, namespaces, installation } = surroundings;
  const { namespace = "" } = pod.metadata;
  const answer = diagnoseUninjected({
    namespace,
    times: podTimesOf(pod),
    surroundings: { labelled: namespaces?.get(namespace)?.labelled, registeredAt },
    isLabelled: true,
    isRegistered,
    installation,
    restart: injectedRestartSteps(triedPod(pod, undefined)),
  });
  return completeAnswer(answer, { namespace, kind: "pod", name: pod.metadata.name ?? "" });
}

function concernedByCheck(pod: Pod, { namespaces, installation }: PodSurroundings) {
  const { namespace = "", name = "", annotations } = pod.metadata;
  const place = { namespaceAnnotations: namespaces?.get(namespace)?.annotations, baseArn: installation?.baseArn };
  return {
    object: { namespace, kind: "pod", name },
    roles: rolesNamedBy(templateObject({ namespace, name }, creatorOf(pod)), annotations, place),
    installation,
  };
}
