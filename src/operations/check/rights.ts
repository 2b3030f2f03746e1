// Permissions as data: what each program needs (the rules of manifests/base/rbac.yaml; a test compares them), what neither
// may have, and what the operator needs to install podrole.
import type { ProgramName } from "../installed.ts";

/** A permission, as RBAC grants it. */
export interface Right {
  /** Who has it; "me" is the caller. */
  readonly who: ProgramName | "me";
  readonly group: string;
  readonly resource: string;
  readonly verb: string;
  /** Absent: the whole cluster. */
  readonly namespace?: string;
  readonly name?: string;
  /** True if it must be granted, false if it must not. */
  readonly isExpected: boolean;
}

/** Names of objects by default; settings may change each of them. */
export const DEFAULT_NAMES = {
  caSecret: "podrole-ca",
  trustConfigMap: "podrole-trust",
  webhookConfiguration: "podrole",
};

/** Names that depend on settings. */
export interface RightsNames {
  readonly namespace: string;
  /** Undefined with --ca-cert: podrole then stores no CA. */
  readonly caSecret: string | undefined;
  readonly trustConfigMap: string;
  readonly webhookConfiguration: string;
}

const ADMISSION = "admissionregistration.k8s.io";
const READ = ["get", "list", "watch"];

/** What server and webhook need. */
export function neededRights(names: RightsNames): readonly Right[] {
  const { namespace, caSecret, trustConfigMap, webhookConfiguration } = names;
  const own = { namespace };
  return [
    ...rights("server", "authentication.k8s.io", ["tokenreviews"], ["create"]),
    ...rights("server", "", ["pods", "namespaces", "serviceaccounts"], READ),
    ...rights("server", "", ["events"], ["create"]),
    ...rights("server", ADMISSION, ["mutatingwebhookconfigurations"], ["get", "patch"], { name: webhookConfiguration }),
    ...rights("server", "", ["configmaps"], ["create"], own),
    ...(caSecret === undefined ? [] : rights("server", "", ["secrets"], ["create"], own)),
    ...(caSecret === undefined ? [] : rights("server", "", ["secrets"], ["get", "patch"], { ...own, name: caSecret })),
    ...rights("server", "", ["configmaps"], ["get", "patch"], { ...own, name: trustConfigMap }),
    ...rights("webhook", "", ["namespaces", "serviceaccounts"], READ),
    ...rights("webhook", "", ["configmaps"], ["get"], { ...own, name: trustConfigMap }),
  ];
}

/** What server and webhook must not have: it would let a thief of their token do more than the program itself does. */
export function forbiddenRights({ namespace, caSecret }: RightsNames): readonly Right[] {
  const never = { isExpected: false };
  return [
    ...forbiddenToBoth("server"),
    ...forbiddenToBoth("webhook"),
    ...rights("server", "", ["secrets"], ["list"], { ...never, namespace }),
    ...rights("server", ADMISSION, ["mutatingwebhookconfigurations"], ["create", "delete"], never),
    ...rights("webhook", "", ["secrets"], ["get"], { ...never, namespace, name: caSecret ?? DEFAULT_NAMES.caSecret }),
    ...rights("webhook", "", ["pods"], ["list"], never),
    ...rights("webhook", "", ["events"], ["create"], never),
    ...rights("webhook", "authentication.k8s.io", ["tokenreviews"], ["create"], never),
    ...rights("webhook", ADMISSION, ["mutatingwebhookconfigurations"], ["patch"], never),
  ];
}

function forbiddenToBoth(who: ProgramName): readonly Right[] {
  const never = { isExpected: false };
  return [
    ...rights(who, "", ["secrets"], ["get", "list"], never),
    ...rights(who, "", ["pods"], ["create", "delete"], never),
    ...rights(who, "", ["serviceaccounts/token"], ["create"], never),
    ...rights(who, "rbac.authorization.k8s.io", ["clusterroles"], ["escalate", "bind"], never),
    ...rights(who, "", ["users"], ["impersonate"], never),
  ];
}

/** What the operator needs to apply the manifests. */
export function installersRights(namespace: string): readonly Right[] {
  const roles = "rbac.authorization.k8s.io";
  return [
    ...rights("me", "", ["namespaces"], ["create"]),
    ...rights("me", roles, ["clusterroles", "clusterrolebindings"], ["create"]),
    ...rights("me", ADMISSION, ["mutatingwebhookconfigurations"], ["create"]),
    ...rights("me", ADMISSION, ["validatingadmissionpolicies", "validatingadmissionpolicybindings"], ["create"]),
    ...rights("me", "scheduling.k8s.io", ["priorityclasses"], ["create"]),
    ...rights("me", roles, ["roles", "rolebindings"], ["create"], { namespace }),
    ...rights("me", "apps", ["deployments"], ["create"], { namespace }),
    ...rights("me", "policy", ["poddisruptionbudgets"], ["create"], { namespace }),
    ...rights("me", "networking.k8s.io", ["networkpolicies"], ["create"], { namespace }),
    ...rights("me", "", ["serviceaccounts", "services", "configmaps"], ["create"], { namespace }),
  ];
}

function rights(
  who: Right["who"],
  group: string,
  resources: readonly string[],
  verbs: readonly string[],
  rest: Partial<Pick<Right, "namespace" | "name" | "isExpected">> = {},
): readonly Right[] {
  return resources.flatMap((resource) =>
    verbs.map((verb) => ({ who, group, resource, verb, isExpected: true, ...rest })),
  );
}

/** "get secrets podrole-ca in podrole" */
export function formatRight({ verb, resource, name, namespace }: Right): string {
  const what = name === undefined ? `${verb} ${resource}` : `${verb} ${resource} ${name}`;
  return namespace === undefined ? what : `${what} in ${namespace}`;
}
