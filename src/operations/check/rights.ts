// Rights as data: what each program needs (the rules of manifests/base/rbac.yaml, which a test compares), what neither
// may have, and what the person needs who installs podrole.
import type { ProgramName } from "../installed.ts";

export interface Right {
  /** Whose; "me": the person who asks. */
  readonly who: ProgramName | "me";
  readonly group: string;
  readonly resource: string;
  readonly verb: string;
  /** Absent: in the whole cluster. */
  readonly namespace?: string;
  readonly name?: string;
  /** Whether it must be there, or must not. */
  readonly wanted: boolean;
}

/** Names that settings can change. */
export interface RightsNames {
  readonly namespace: string;
  /** Undefined with a CA of the operator's own: there is no Secret to keep. */
  readonly caSecret: string | undefined;
  readonly trustConfigMap: string;
  readonly webhookConfiguration: string;
}

const ADMISSION = "admissionregistration.k8s.io";
const READ = ["get", "list", "watch"];

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

/** What would make a stolen token of a program worth more than the program. */
export function forbiddenRights({ namespace, caSecret }: RightsNames): readonly Right[] {
  const never = { wanted: false };
  return [
    ...forbiddenToBoth("server"),
    ...forbiddenToBoth("webhook"),
    ...rights("server", "", ["secrets"], ["list"], { ...never, namespace }),
    ...rights("server", ADMISSION, ["mutatingwebhookconfigurations"], ["create", "delete"], never),
    ...rights("webhook", "", ["secrets"], ["get"], { ...never, namespace, name: caSecret ?? "podrole-ca" }),
    ...rights("webhook", "", ["pods"], ["list"], never),
    ...rights("webhook", "", ["events"], ["create"], never),
    ...rights("webhook", "authentication.k8s.io", ["tokenreviews"], ["create"], never),
    ...rights("webhook", ADMISSION, ["mutatingwebhookconfigurations"], ["patch"], never),
  ];
}

function forbiddenToBoth(who: ProgramName): readonly Right[] {
  const never = { wanted: false };
  return [
    ...rights(who, "", ["secrets"], ["get", "list"], never),
    ...rights(who, "", ["pods"], ["create", "delete"], never),
    ...rights(who, "", ["serviceaccounts/token"], ["create"], never),
    ...rights(who, "rbac.authorization.k8s.io", ["clusterroles"], ["escalate", "bind"], never),
    ...rights(who, "", ["users"], ["impersonate"], never),
  ];
}

export function installersRights(namespace: string): readonly Right[] {
  const roles = "rbac.authorization.k8s.io";
  return [
    ...rights("me", "", ["namespaces"], ["create"]),
    ...rights("me", roles, ["clusterroles", "clusterrolebindings"], ["create"]),
    ...rights("me", ADMISSION, ["mutatingwebhookconfigurations"], ["create"]),
    ...rights("me", "scheduling.k8s.io", ["priorityclasses"], ["create"]),
    ...rights("me", roles, ["roles", "rolebindings"], ["create"], { namespace }),
    ...rights("me", "apps", ["deployments"], ["create"], { namespace }),
    ...rights("me", "", ["serviceaccounts", "services", "configmaps"], ["create"], { namespace }),
  ];
}

function rights(
  who: Right["who"],
  group: string,
  resources: readonly string[],
  verbs: readonly string[],
  rest: Partial<Pick<Right, "namespace" | "name" | "wanted">> = {},
): readonly Right[] {
  return resources.flatMap((resource) => verbs.map((verb) => ({ who, group, resource, verb, wanted: true, ...rest })));
}

/** "get secrets podrole-ca in podrole" */
export function rightInWords({ verb, resource, name, namespace }: Right): string {
  const what = name === undefined ? `${verb} ${resource}` : `${verb} ${resource} ${name}`;
  return namespace === undefined ? what : `${what} in ${namespace}`;
}
