// Checks of the namespaces and pods that use podrole, judged with plan(), as at admission.
import type { Namespace, Pod, ServiceAccount } from "../../kubernetes/objects.ts";
import { ANNOTATIONS, optsIn, valueOf } from "../../policy/annotations.ts";
import { decideRoles } from "../../policy/decide.ts";
import { serviceAccountOf } from "../../policy/facts.ts";
import { type Plan, type PlanSettings, plan } from "../../injection/plan.ts";
import { choosesNativeSidecar, planSettings } from "../../settings/plan-settings.ts";
import { hasRoleAnnotation } from "../../injection/pod-annotations.ts";
import { NAMES } from "../../injection/names.ts";
import { isInjected } from "../../injection/parts.ts";
import type { Facts, Known } from "./facts.ts";
import { PAGE, type CheckTable, failed, given, ok, orOk, type Verdict, warning } from "./finding.ts";
import { countOf } from "../format.ts";

/** Everything that decisions about pods need. */
interface Workloads {
  readonly settings: PlanSettings;
  readonly namespaces: ReadonlyMap<string, Namespace>;
  readonly accounts: ReadonlyMap<string, ServiceAccount>;
  /** Pods that run or will run. */
  readonly pods: readonly Pod[];
}

function workloadsOf({ installed, trustBundle, api, namespaces, serviceAccounts, pods }: Facts): Known<Workloads> {
  for (const known of [installed, api, namespaces, serviceAccounts, pods]) if ("unknown" in known) return known;
  if ("unknown" in installed || "unknown" in api || "unknown" in namespaces) return UNREAD;
  if ("unknown" in serviceAccounts || "unknown" in pods) return UNREAD;
  const settings = installed.value.webhook?.settings;
  if (settings === undefined) return { unknown: "The webhook's settings are unknown" };
  const bundle = "value" in trustBundle ? (trustBundle.value ?? "") : "";
  const nativeSidecar = choosesNativeSidecar(settings.nativeSidecar, api.value);
  return {
    value: {
      settings: planSettings(settings, { trustBundle: bundle, nativeSidecar }),
      namespaces: new Map(namespaces.value.map((one) => [one.metadata.name ?? "", one])),
      accounts: new Map(serviceAccounts.value.map((one) => [keyOf(one), one])),
      pods: pods.value.filter(
        ({ metadata, status }) =>
          metadata.deletionTimestamp === undefined && status?.phase !== "Succeeded" && status?.phase !== "Failed",
      ),
    },
  };
}

const UNREAD = { unknown: "It was not read" };

const keyOf = ({ metadata }: { metadata: Pod["metadata"] }) => `${metadata.namespace}/${metadata.name}`;

function planOf(pod: Pod, { settings, namespaces, accounts }: Workloads): Plan | undefined {
  const { namespace = "" } = pod.metadata;
  const around = namespaces.get(namespace)?.metadata;
  if (around === undefined) return undefined;
  const account = accounts.get(`${namespace}/${serviceAccountOf(pod.spec)}`)?.metadata.annotations;
  const { labels = {}, annotations = {} } = around;
  const input = { pod, namespace: { name: namespace, labels, annotations }, serviceAccountAnnotations: account ?? {} };
  return plan(input, settings);
}

const labelled = (namespaces: Iterable<Namespace>) =>
  [...namespaces].filter(({ metadata }) => optsIn(metadata.labels) && metadata.deletionTimestamp === undefined);

export const WORKLOADS = {
  NAMESPACES_PERMIT: {
    section: "workloads",
    when: "installed",
    summary: "Every namespace with the label `podrole.io/inject: enabled` permits at least one role.",
    remedy:
      "Annotate the namespace with `iam.amazonaws.com/permitted` or `iam.amazonaws.com/allowed-roles`, or remove the label. Without one of these annotations, podrole refuses every role in the namespace with ROLE_FORBIDDEN.",
    judge: ({ namespaces }) =>
      given(namespaces, (list) => {
        const selected = labelled(list);
        if (selected.length === 0)
          return warning("No namespace has the label podrole.io/inject: enabled; expected one");
        return orOk(
          selected.flatMap(({ metadata }) => {
            const { annotations = {}, name } = metadata;
            const values = [ANNOTATIONS.permitted, ANNOTATIONS.allowedRoles].map((key) => valueOf(annotations, key));
            return values.some(Boolean)
              ? []
              : [failed(`It permits no role; expected an expression in ${ANNOTATIONS.permitted}`, `namespace ${name}`)];
          }),
          `${countOf(selected.length, "labelled namespace")}, and each permits at least one role`,
        );
      }),
  },
  EXPRESSIONS: {
    section: "workloads",
    when: "installed",
    summary:
      "The namespaces' annotations are valid: `iam.amazonaws.com/permitted` is an RE2 expression, and `iam.amazonaws.com/allowed-roles` is a JSON array of patterns.",
    remedy:
      "Correct the annotation; the message describes the error. Until then, the namespace permits no role (PERMITTED_INVALID).",
    judge: (facts) =>
      given(workloadsOf(facts), ({ namespaces, settings }) =>
        orOk(
          labelled(namespaces.values()).flatMap(({ metadata }) => {
            const state = findInvalidExpression(metadata.name ?? "", metadata.annotations ?? {}, settings);
            return state === undefined ? [] : [failed(state, `namespace ${metadata.name}`)];
          }),
          "every expression is valid",
        ),
      ),
  },
  PODS_INJECTED: {
    section: "workloads",
    when: "installed",
    summary: "Every running pod that names a role has podrole's sidecar.",
    remedy:
      "Restart the pod (`kubectl rollout restart`), because podrole injects a pod only when it is created. `podrole explain pod NAME -n NAMESPACE` shows in advance what podrole will do.",
    judge: (facts) =>
      given(workloadsOf(facts), (workloads) => {
        const injected = workloads.pods.filter(isInjected).length;
        return orOk(
          workloads.pods.filter((pod) => !isInjected(pod)).flatMap((pod) => judgeUninjected(pod, workloads) ?? []),
          injected === 0
            ? "no pod names a role"
            : `${countOf(injected, "pod")} injected, and no pod that names a role lacks the sidecar`,
        );
      }),
  },
  ROLES_PERMITTED: {
    section: "workloads",
    when: "installed",
    summary: "The namespace of every injected pod still permits the pod's roles.",
    remedy: `Permit the role in the namespace again, or name another role in the pod. Otherwise, the pod's sidecar stops serving credentials at its next renewal. ${PAGE.errors} describes the code in the message.`,
    judge: (facts) =>
      given(workloadsOf(facts), (workloads) =>
        orOk(
          workloads.pods.filter(isInjected).flatMap((pod) => {
            const planned = planOf(pod, workloads);
            return planned?.decision === "refuse"
              ? [failed(`${planned.reason}: ${planned.message}`, `pod ${keyOf(pod)}`)]
              : [];
          }),
          "the namespace of every injected pod permits the pod's roles",
        ),
      ),
  },
  DEFAULT_ROLES: {
    section: "workloads",
    when: "installed",
    summary: "Every namespace permits its own default role and those of its ServiceAccounts.",
    remedy:
      "Permit the role in the namespace, or correct the annotation that names it. Until then, podrole refuses every pod that uses the default role.",
    judge: (facts) =>
      given(workloadsOf(facts), ({ settings, namespaces, accounts }) =>
        orOk(
          labelled(namespaces.values()).flatMap(({ metadata }) => {
            const owners = [...accounts.values()].filter((account) => account.metadata.namespace === metadata.name);
            return [undefined, ...owners].flatMap((account) => refusedDefaults(metadata, account, settings));
          }),
          "every default role is permitted",
        ),
      ),
  },
  SIDECAR_VERSIONS: {
    section: "workloads",
    when: "installed",
    summary: "Every injected pod runs the sidecar image that the webhook injects now.",
    remedy:
      "Restart the pods when convenient. Until then, the older sidecars work with the newer server, within the version skew that docs/operate.md lists.",
    judge: (facts) =>
      given(workloadsOf(facts), ({ pods, settings }) => {
        const counts = new Map<string, number>();
        for (const pod of pods.filter(isInjected)) {
          const all = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
          const image = all.find(({ name }) => name === NAMES.sidecar)?.image ?? "none";
          counts.set(image, (counts.get(image) ?? 0) + 1);
        }
        const others = [...counts].filter(([image]) => image !== settings.image);
        if (others.length === 0) return ok(`the webhook injects ${settings.image}`);
        const found = others.map(([image, count]) => `${countOf(count, "pod")} with ${image}`).join(", ");
        return warning(`${found}; expected ${settings.image} after their next restart`);
      }),
  },
} as const satisfies CheckTable;

/** ARN of a role that does not exist, to evaluate expressions with. */
const PROBE = "arn:aws:iam::000000000000:role/podrole-check";

function findInvalidExpression(
  namespace: string,
  annotations: Readonly<Record<string, string>>,
  { policy }: PlanSettings,
): string | undefined {
  // Each annotation alone: if one forbids the role, decideRoles() does not evaluate the other.
  for (const key of [ANNOTATIONS.permitted, ANNOTATIONS.allowedRoles]) {
    const value = valueOf(annotations, key);
    if (value === undefined) continue;
    const around = { namespaceAnnotations: { [key]: value }, serviceAccountAnnotations: {} };
    const pod = { ...ANY_POD, namespace, annotations: { [ANNOTATIONS.role]: PROBE } };
    const [decision] = decideRoles(pod, around, policy).roles;
    if (decision && !decision.allowed && decision.code === "PERMITTED_INVALID") return decision.message;
  }
  return undefined;
}

const ANY_POD = { name: "any", uid: "", serviceAccount: "any", labels: {}, containers: ["app"], annotations: {} };

function refusedDefaults(
  { name = "", annotations = {} }: Namespace["metadata"],
  account: ServiceAccount | undefined,
  { policy }: PlanSettings,
): readonly Verdict[] {
  const around = {
    namespaceAnnotations: annotations,
    serviceAccountAnnotations: account?.metadata.annotations ?? {},
  };
  const origin = account === undefined ? "namespace" : "serviceAccount";
  const pod = { ...ANY_POD, namespace: name, serviceAccount: account?.metadata.name ?? "default" };
  const object = account === undefined ? `namespace ${name}` : `serviceaccount ${keyOf(account)}`;
  return decideRoles(pod, around, policy).roles.flatMap((decision) =>
    !decision.allowed && !decision.undecided && decision.origin === origin
      ? [failed(`${decision.code}: ${decision.message}`, object)]
      : [],
  );
}

/** Judges a pod that is not injected; undefined if it needs no injection. */
function judgeUninjected(pod: Pod, workloads: Workloads): Verdict | undefined {
  const planned = planOf(pod, workloads);
  const object = `pod ${keyOf(pod)}`;
  switch (planned?.decision) {
    case "inject":
      return failed(
        "It is not injected, but would be if it were created now: it was created before the namespace got the label, or while the webhook was not called",
        object,
      );
    case "refuse":
      return failed(
        `It is not injected, and would be refused if it were created now: ${planned.reason}: ${planned.message}`,
        object,
      );
    case "skip":
      return hasRoleAnnotation(pod) && planned.reason !== "INJECTION_DISABLED"
        ? warning(`It names a role but is not injected (${planned.reason}): ${planned.message}`, object)
        : undefined;
    case undefined:
      return undefined;
  }
}
