// Checks of the pods that use podrole, judged as at admission, and of what a pod reaches on its node.

import { PODROLE_NAMES } from "../../../injection/names.ts";
import { isInjected } from "../../../injection/parts.ts";
import { hasRoleAnnotation } from "../../../injection/pod-annotations.ts";
import { hasInjectedLabel } from "../../../injection/reserved.ts";
import { allContainers } from "../../../injection/shape.ts";
import { SHADOW_WARNINGS } from "../../../injection/warnings.ts";
import type { Pod } from "../../../kubernetes/objects.ts";
import { podFacts } from "../../../policy/facts.ts";
import { pinnedFacts } from "../../../policy/pin.ts";
import { isRefusal } from "../../../protocol/errors.ts";
import type { RefusalRecord } from "../../../protocol/state/model.ts";
import { countOf } from "../../format.ts";
import {
  type ConcernedObject,
  labelStep,
  REGISTER_STEP,
  restartStep,
  stepsAfterCode,
  stepsWithinCheck,
} from "../../next-steps.ts";
import { comparePodTrust } from "../../pod-trust.ts";
import { diagnoseEnd, diagnosisText } from "../../sidecar-diagnosis.ts";
import { readSidecarState } from "../../sidecar-state.ts";
import { lastRefusals, refusalMessage } from "../../state/last-refusals.ts";
import { labelTimeOf, oldestOf, podTimesOf, type SurroundingTimes, uninjectedCause } from "../../uninjected-cause.ts";
import type { Facts } from "../facts.ts";
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
  withNext,
} from "../finding.ts";
import { planOf, qualifiedPodName, type Workloads, workloadsOf } from "../workloads.ts";
import { ownWebhooks } from "./registration.ts";

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
          const registration = registrationIn(facts);
          return problemsOrOk(
            workloads.pods
              .filter((pod) => !isInjected(pod))
              .flatMap((pod) => judgeUninjected(pod, workloads, registration) ?? []),
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
        judgeKnown(workloadsOf(facts), ({ pods }) => {
          const injected = pods.filter(isInjected);
          const bundle = "value" in facts.trustBundle ? facts.trustBundle.value : undefined;
          const refusals = lastRefusals("value" in facts.held ? facts.held.value.state : {});
          return problemsOrOk(
            injected.flatMap((pod) => judgeSidecar(pod, bundle, refusals.get(pod.metadata.uid ?? "")) ?? []),
            injected.length === 0 ? "no pod is injected" : "no sidecar waits to be restarted",
          );
        }),
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

/**
 * Judges the sidecar of an injected pod; undefined if it is ready, or if the pod is still being started. `bundle`: the
 * published one; `refused`: the pod's last refusal by the server's records.
 */
function judgeSidecar(
  pod: Pod,
  bundle: string | undefined,
  refused: RefusalRecord | undefined,
): CheckVerdict | undefined {
  const { phase, reason, restarts, lastEnd } = readSidecarState(pod);
  const isFirstStart = phase === "starting" && restarts === 0;
  const isBeingStarted = phase === "waiting" && STARTING.has(reason ?? "");
  if (phase === "ready" || phase === "absent" || isFirstStart || isBeingStarted) return undefined;
  const state = phase === "starting" ? "runs without credentials" : "does not run";
  const isCopy = !hasInjectedLabel(pod);
  const trust = comparePodTrust(pod, bundle);
  const ended = lastEnd && diagnosisText(diagnoseEnd(lastEnd, { isCopy, trust }));
  const why = [reason, ended].filter((part) => part !== undefined).join(", ");
  const times = restarts === 1 ? "once" : `${restarts} times`;
  const message = `podrole-sidecar ${state} and was restarted ${times}${why && `: ${why}`}`;
  const concerned = {
    object: concernedPod(pod),
    restart: restartStep(pod),
    isCopy,
    trust,
    message: lastEnd?.message,
    serverMessage: refusalMessage(refused, lastEnd?.code),
  };
  return withNext(failed(message, `pod ${qualifiedPodName(pod)}`), ...stepsWithinCheck(lastEnd?.code, concerned));
}

function concernedPod({ metadata: { namespace = "", name = "" } }: Pod): ConcernedObject {
  return { namespace, kind: "pod", name };
}

/** Reasons of the kubelet for a container that waits for its first start. */
const STARTING: ReadonlySet<string> = new Set(["PodInitializing", "ContainerCreating"]);

/** Whether podrole's webhook is known not to be registered, and since when it is. */
interface Registration {
  readonly isMissing: boolean;
  readonly at: string | undefined;
}

function registrationIn({ webhookConfigurations: read, namespace }: Facts): Registration {
  if ("unknown" in read) return { isMissing: false, at: undefined };
  const own = ownWebhooks(read.value, namespace);
  return { isMissing: own.length === 0, at: oldestOf(own.map(({ configuration }) => configuration)) };
}

/** Judges a pod that is not injected; undefined if it needs no injection. */
function judgeUninjected(pod: Pod, workloads: Workloads, registration: Registration): CheckVerdict | undefined {
  const planned = planOf(pod, workloads);
  const labelled = labelTimeOf(workloads.namespaces.get(pod.metadata.namespace ?? ""));
  const surroundings: SurroundingTimes = { labelled, registeredAt: registration.at };
  const object = `pod ${qualifiedPodName(pod)}`;
  switch (planned?.decision) {
    case "inject":
      return withNext(
        failed(
          registration.isMissing
            ? "It is not injected: podrole's webhook is not registered"
            : `It is not injected, but would be if it were created now: ${uninjectedCause(podTimesOf(pod), surroundings)}`,
          object,
        ),
        ...(registration.isMissing ? [REGISTER_STEP] : []),
        restartStep(pod),
      );
    case "refuse":
      return withNext(
        failed(
          `It is not injected, and would be refused if it were created now: ${planned.reason}: ${planned.message}`,
          object,
        ),
        ...stepsAfterCode(planned.reason, { object: concernedPod(pod), message: planned.message }),
      );
    case "skip":
      return hasRoleAnnotation(pod) && planned.reason !== "INJECTION_DISABLED"
        ? withNext(
            warning(`It names a role but is not injected (${planned.reason}): ${planned.message}`, object),
            ...(planned.reason === "NAMESPACE_NOT_LABELLED"
              ? [labelStep(concernedPod(pod).namespace), restartStep(pod)]
              : []),
          )
        : undefined;
    case undefined:
      return undefined;
  }
}
