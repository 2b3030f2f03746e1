// Permissions as data: what each program needs (the rules of manifests/base/rbac.yaml; a test compares them), what
// neither may have, and what the operator needs to install podrole.
import { POD_BUNDLE_NAME, POD_SIGNER_NAME } from "../../protocol/pod-certificates.ts";
import type { ServerSettings } from "../../settings/server.ts";
import type { ProgramName } from "../installed.ts";

/** A permission, as RBAC grants it. */
export interface AccessRight {
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
  refusalsConfigMap: "podrole-refusals",
  webhookConfiguration: "podrole",
};

/** Names that depend on settings. */
export interface RightsNames {
  readonly namespace: string;
  /** Undefined with --ca-cert: podrole then stores no CA. */
  readonly caSecret: string | undefined;
  readonly trustConfigMap: string;
  readonly refusalsConfigMap: string;
  readonly webhookConfiguration: string;
  /** The server's setting; default off. */
  readonly podCertificates?: ServerSettings["podCertificates"];
}

const ADMISSION_GROUP = "admissionregistration.k8s.io";
const READ_VERBS = ["get", "list", "watch"];

/** What server and webhook need. */
export function neededRights(names: RightsNames): readonly AccessRight[] {
  const { namespace, caSecret, trustConfigMap, refusalsConfigMap, webhookConfiguration } = names;
  const { podCertificates = "off" } = names;
  const own = { namespace };
  return [
    ...rightsFor("server", "authentication.k8s.io", ["tokenreviews"], ["create"]),
    ...rightsFor("server", "authorization.k8s.io", ["subjectaccessreviews"], ["create"]),
    ...rightsFor("server", "", ["pods", "namespaces", "serviceaccounts"], READ_VERBS),
    ...rightsFor("server", "", ["events"], ["create"]),
    ...rightsFor("server", ADMISSION_GROUP, ["mutatingwebhookconfigurations"], ["get", "patch"], {
      name: webhookConfiguration,
    }),
    ...rightsFor("server", "", ["configmaps"], ["create"], own),
    ...(caSecret === undefined ? [] : rightsFor("server", "", ["secrets"], ["create"], own)),
    ...(caSecret === undefined
      ? []
      : rightsFor("server", "", ["secrets"], ["get", "patch"], { ...own, name: caSecret })),
    ...rightsFor("server", "", ["configmaps"], ["get", "patch"], { ...own, name: trustConfigMap }),
    ...rightsFor("server", "", ["configmaps"], ["get", "patch"], { ...own, name: refusalsConfigMap }),
    ...(podCertificates === "off" ? [] : signersRights()),
    // manifests/components/pod-certificates-auto
    ...(podCertificates === "auto" ? rightsFor("server", "", ["nodes"], ["list"]) : []),
    ...rightsFor("webhook", "", ["namespaces", "serviceaccounts"], READ_VERBS),
    ...rightsFor("webhook", "", ["limitranges", "resourcequotas"], ["list", "watch"]),
    ...rightsFor("webhook", "", ["configmaps"], ["get"], { ...own, name: trustConfigMap }),
  ];
}

/** What manifests/components/pod-certificates grants the server. */
function signersRights(): readonly AccessRight[] {
  const group = "certificates.k8s.io";
  return [
    ...rightsFor("server", group, ["podcertificaterequests"], READ_VERBS),
    ...rightsFor("server", group, ["podcertificaterequests/status"], ["patch"]),
    ...rightsFor("server", group, ["signers"], ["sign", "attest"], { name: POD_SIGNER_NAME }),
    ...rightsFor("server", group, ["clustertrustbundles"], ["create"]),
    ...rightsFor("server", group, ["clustertrustbundles"], ["get", "patch"], { name: POD_BUNDLE_NAME }),
  ];
}

/** What server and webhook must not have: it would let a thief of their token do more than the program itself does. */
export function forbiddenRights({ namespace, caSecret }: RightsNames): readonly AccessRight[] {
  const never = { isExpected: false };
  return [
    ...forbiddenToBoth("server"),
    ...forbiddenToBoth("webhook"),
    ...rightsFor("server", "", ["secrets"], ["list"], { ...never, namespace }),
    ...rightsFor("server", ADMISSION_GROUP, ["mutatingwebhookconfigurations"], ["create", "delete"], never),
    ...rightsFor("webhook", "", ["secrets"], ["get"], {
      ...never,
      namespace,
      name: caSecret ?? DEFAULT_NAMES.caSecret,
    }),
    ...rightsFor("webhook", "", ["pods"], ["list"], never),
    ...rightsFor("webhook", "", ["events"], ["create"], never),
    ...rightsFor("webhook", "authentication.k8s.io", ["tokenreviews"], ["create"], never),
    ...rightsFor("webhook", ADMISSION_GROUP, ["mutatingwebhookconfigurations"], ["patch"], never),
  ];
}

function forbiddenToBoth(who: ProgramName): readonly AccessRight[] {
  const never = { isExpected: false };
  return [
    ...rightsFor(who, "", ["secrets"], ["get", "list"], never),
    ...rightsFor(who, "", ["pods"], ["create", "delete"], never),
    ...rightsFor(who, "", ["serviceaccounts/token"], ["create"], never),
    ...rightsFor(who, "rbac.authorization.k8s.io", ["clusterroles"], ["escalate", "bind"], never),
    ...rightsFor(who, "", ["users"], ["impersonate"], never),
  ];
}

/** What the operator needs to apply the manifests. */
export function installersRights(namespace: string): readonly AccessRight[] {
  const roles = "rbac.authorization.k8s.io";
  return [
    ...rightsFor("me", "", ["namespaces"], ["create"]),
    ...rightsFor("me", roles, ["clusterroles", "clusterrolebindings"], ["create"]),
    ...rightsFor("me", ADMISSION_GROUP, ["mutatingwebhookconfigurations"], ["create"]),
    ...rightsFor(
      "me",
      ADMISSION_GROUP,
      ["validatingadmissionpolicies", "validatingadmissionpolicybindings"],
      ["create"],
    ),
    ...rightsFor("me", "scheduling.k8s.io", ["priorityclasses"], ["create"]),
    ...rightsFor("me", roles, ["roles", "rolebindings"], ["create"], { namespace }),
    ...rightsFor("me", "apps", ["deployments"], ["create"], { namespace }),
    ...rightsFor("me", "policy", ["poddisruptionbudgets"], ["create"], { namespace }),
    ...rightsFor("me", "networking.k8s.io", ["networkpolicies"], ["create"], { namespace }),
    ...rightsFor("me", "", ["serviceaccounts", "services", "configmaps"], ["create"], { namespace }),
  ];
}

function rightsFor(
  who: AccessRight["who"],
  group: string,
  resources: readonly string[],
  verbs: readonly string[],
  rest: Partial<Pick<AccessRight, "namespace" | "name" | "isExpected">> = {},
): readonly AccessRight[] {
  return resources.flatMap((resource) =>
    verbs.map((verb) => ({ who, group, resource, verb, isExpected: true, ...rest })),
  );
}

/** "get secrets podrole-ca in podrole" */
export function formatRight({ verb, resource, name, namespace }: AccessRight): string {
  const what = name === undefined ? `${verb} ${resource}` : `${verb} ${resource} ${name}`;
  return namespace === undefined ? what : `${what} in ${namespace}`;
}
