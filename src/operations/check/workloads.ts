// Namespaces and pods that use podrole: what they say, and whether they got it. Decided by plan(), as at admission.
import type { Namespace, Pod, ServiceAccount } from "../../kubernetes/objects.ts";
import { ANNOTATIONS, LABELS, valueOf } from "../../policy/annotations.ts";
import { decideRoles } from "../../policy/decide.ts";
import { type Plan, type PlanSettings, plan } from "../../injection/plan.ts";
import { choosesNativeSidecar, planSettings } from "../../webhook/plan-settings.ts";
import { hasRoleAnnotation } from "../../injection/pod-annotations.ts";
import { NAMES } from "../../injection/names.ts";
import { isInjected } from "../../injection/reserved.ts";
import type { Facts, Known } from "./facts.ts";
import { type CheckTable, failed, given, ok, orOk, type Verdict, warning } from "./finding.ts";
import { PAGE } from "./pages.ts";
import { countOf } from "../format.ts";

/** All that decisions about workloads need at once. */
interface Workloads {
  readonly settings: PlanSettings;
  readonly namespaces: ReadonlyMap<string, Namespace>;
  readonly accounts: ReadonlyMap<string, ServiceAccount>;
  /** Those that run or will run. */
  readonly pods: readonly Pod[];
}

function workloadsOf({ installed, trustBundle, api, namespaces, serviceAccounts, pods }: Facts): Known<Workloads> {
  for (const known of [installed, api, namespaces, serviceAccounts, pods]) if ("unknown" in known) return known;
  if ("unknown" in installed || "unknown" in api || "unknown" in namespaces) return UNREACHED;
  if ("unknown" in serviceAccounts || "unknown" in pods) return UNREACHED;
  const settings = installed.value.webhook?.settings;
  if (settings === undefined) return { unknown: "The webhook's settings are not known" };
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

const UNREACHED = { unknown: "It was not read" };

const keyOf = ({ metadata }: { metadata: Pod["metadata"] }) => `${metadata.namespace}/${metadata.name}`;

function planOf(pod: Pod, { settings, namespaces, accounts }: Workloads): Plan | undefined {
  const { namespace = "" } = pod.metadata;
  const around = namespaces.get(namespace)?.metadata;
  if (around === undefined) return undefined;
  const account = accounts.get(`${namespace}/${pod.spec.serviceAccountName || "default"}`)?.metadata.annotations;
  const { labels = {}, annotations = {} } = around;
  const input = { pod, namespace: { name: namespace, labels, annotations }, serviceAccountAnnotations: account ?? {} };
  return plan(input, settings);
}

const labelled = (namespaces: Iterable<Namespace>) =>
  [...namespaces].filter(
    ({ metadata }) => metadata.labels?.[LABELS.inject] === "enabled" && metadata.deletionTimestamp === undefined,
  );

export const WORKLOADS = {
  NAMESPACES_PERMIT: {
    section: "workloads",
    when: "installed",
    summary: "Every labelled namespace says which roles it permits.",
    remedy:
      "Annotate the namespace with `iam.amazonaws.com/permitted` (or `iam.amazonaws.com/allowed-roles`), or take the label off: without it every role is ROLE_FORBIDDEN.",
    judge: ({ namespaces }) =>
      given(namespaces, (list) => {
        const taking = labelled(list);
        if (taking.length === 0) return warning("No namespace carries the label podrole.io/inject: enabled");
        return orOk(
          taking.flatMap(({ metadata }) => {
            const { annotations = {}, name } = metadata;
            const said = [ANNOTATIONS.permitted, ANNOTATIONS.allowedRoles].map((key) => valueOf(annotations, key));
            return said.some(Boolean)
              ? []
              : [failed(`It permits no role, wanted ${ANNOTATIONS.permitted} with an expression`, `namespace ${name}`)];
          }),
          `${countOf(taking.length, "labelled namespace")} with what they permit`,
        );
      }),
  },
  EXPRESSIONS: {
    section: "workloads",
    when: "installed",
    summary: "What namespaces permit can be read: RE2 in `permitted`, a JSON array in `allowed-roles`.",
    remedy:
      "Correct the annotation; the message says where it fails. Until then nothing is permitted (PERMITTED_INVALID).",
    judge: (facts) =>
      given(workloadsOf(facts), ({ namespaces, settings }) =>
        orOk(
          labelled(namespaces.values()).flatMap(({ metadata }) => {
            const state = unreadable(metadata.name ?? "", metadata.annotations ?? {}, settings);
            return state === undefined ? [] : [failed(state, `namespace ${metadata.name}`)];
          }),
          "every expression can be read",
        ),
      ),
  },
  PODS_INJECTED: {
    section: "workloads",
    when: "installed",
    summary: "Every running pod that names a role was injected.",
    remedy:
      "Injection happens when a pod is created: restart it (`kubectl rollout restart`). `podrole explain pod/NAME -n NAMESPACE` tells what would happen then.",
    judge: (facts) =>
      given(workloadsOf(facts), (workloads) => {
        const injected = workloads.pods.filter(isInjected).length;
        return orOk(
          workloads.pods.filter((pod) => !isInjected(pod)).flatMap((pod) => judgeBare(pod, workloads) ?? []),
          injected === 0 ? "no pod names a role yet" : `${countOf(injected, "pod")} injected, and none was missed`,
        );
      }),
  },
  ROLES_PERMITTED: {
    section: "workloads",
    when: "installed",
    summary: "Every injected pod may still have its roles.",
    remedy: `Permit the role again, or let the pod ask for another: its sidecar stops handing out credentials at the next renewal. ${PAGE.errors} has the code.`,
    judge: (facts) =>
      given(workloadsOf(facts), (workloads) =>
        orOk(
          workloads.pods.filter(isInjected).flatMap((pod) => {
            const planned = planOf(pod, workloads);
            return planned?.decision === "refuse"
              ? [failed(`${planned.reason}: ${planned.message}`, `pod ${keyOf(pod)}`)]
              : [];
          }),
          "every injected pod may have its roles",
        ),
      ),
  },
  DEFAULT_ROLES: {
    section: "workloads",
    when: "installed",
    summary: "Roles that service accounts and namespaces give by default are permitted there.",
    remedy: "Permit the role in the namespace, or correct the annotation: every pod that takes the default is refused.",
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
    summary: "Pods run the sidecar that the webhook injects now.",
    remedy:
      "Older sidecars go on working with a newer server (docs/operate.md has the skew); restart the pods when it suits you.",
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
        const told = others.map(([image, count]) => `${countOf(count, "pod")} with ${image}`).join(", ");
        return warning(`${told}, wanted ${settings.image} at their next restart`);
      }),
  },
} as const satisfies CheckTable;

/** The ARN of no role: it only brings an expression to be read. */
const PROBE = "arn:aws:iam::000000000000:role/podrole-check";

function unreadable(
  namespace: string,
  annotations: Readonly<Record<string, string>>,
  { policy }: PlanSettings,
): string | undefined {
  // Each alone: a clear no of the one would hide that the other cannot be read.
  for (const key of [ANNOTATIONS.permitted, ANNOTATIONS.allowedRoles]) {
    const value = valueOf(annotations, key);
    if (value === undefined) continue;
    const around = { namespaceAnnotations: { [key]: value }, serviceAccountAnnotations: {} };
    const pod = { ...NOBODY, namespace, annotations: { [ANNOTATIONS.role]: PROBE } };
    const [decision] = decideRoles(pod, around, policy).roles;
    if (decision && !decision.allowed && decision.code === "PERMITTED_INVALID") return decision.message;
  }
  return undefined;
}

const NOBODY = { name: "any", uid: "", serviceAccount: "any", labels: {}, containers: ["app"], annotations: {} };

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
  const pod = { ...NOBODY, namespace: name, serviceAccount: account?.metadata.name ?? "default" };
  const object = account === undefined ? `namespace ${name}` : `serviceaccount ${keyOf(account)}`;
  return decideRoles(pod, around, policy).roles.flatMap((decision) =>
    !decision.allowed && !decision.undecided && decision.origin === origin
      ? [failed(`${decision.code}: ${decision.message}`, object)]
      : [],
  );
}

/** A pod without injection; undefined when it is well without. */
function judgeBare(pod: Pod, workloads: Workloads): Verdict | undefined {
  const planned = planOf(pod, workloads);
  const object = `pod ${keyOf(pod)}`;
  switch (planned?.decision) {
    case "inject":
      return failed(
        "It was not injected and would be now: it is older than the label, or was created without the webhook",
        object,
      );
    case "refuse":
      return failed(`It was not injected, and would be refused now: ${planned.reason}: ${planned.message}`, object);
    case "skip":
      return hasRoleAnnotation(pod) && planned.reason !== "INJECTION_DISABLED"
        ? warning(`It names a role and has no podrole (${planned.reason}): ${planned.message}`, object)
        : undefined;
    case undefined:
      return undefined;
  }
}
