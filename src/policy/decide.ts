// Which container of a pod may have which role: the one decision that podrole exists for. Pure; asked at admission by
// the webhook (early and friendly) and at each issue by the server (for good).
import type { Refusal } from "../protocol/errors.ts";
import { type AllowedRolesFormat, refuseByAllowedRoles } from "./allowed-roles.ts";
import { ANNOTATIONS, quoted } from "./annotations.ts";
import { createMatcherCache, type MatcherCache, refuseByExpression } from "./permitted.ts";
import { resolveRole, type RoleArn } from "./role.ts";
import { durationSeconds, externalId, sessionName, sessionPolicyArns, sessionTags, sourceIdentity } from "./session.ts";

export interface PolicySettings {
  /** Ends in "/"; undefined: only full ARNs are understood. */
  readonly baseArn: string | undefined;
  readonly strictNamespaceRegexp: boolean;
  readonly allowedRolesFormat: AllowedRolesFormat;
  readonly sessionName:
    | { readonly kind: "template"; readonly template: string }
    | { readonly kind: "kiam"; readonly session: string };
  readonly sessionDurationMs: number;
  readonly sessionTags: boolean;
  readonly sourceIdentity: boolean;
  readonly clusterName: string | undefined;
  readonly defaultRole: string | undefined;
}

/** What a decision reads of a pod. `containers`: app and init containers, podrole's own left out. */
export interface PodFacts {
  readonly namespace: string;
  /** Not known at admission of a pod with generateName. */
  readonly name: string | undefined;
  readonly uid: string | undefined;
  readonly serviceAccount: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly containers: readonly string[];
}

export interface Surroundings {
  readonly namespaceAnnotations: Readonly<Record<string, string>>;
  readonly serviceAccountAnnotations: Readonly<Record<string, string>>;
}

/** One input of sts:AssumeRole, which is also the key of the credential cache. */
export interface AssumeRoleInput {
  readonly roleArn: string;
  readonly sessionName: string;
  readonly durationSeconds: number;
  readonly externalId?: string;
  readonly tags?: readonly { readonly key: string; readonly value: string }[];
  readonly sourceIdentity?: string;
  readonly policyArns?: readonly string[];
  readonly policy?: string;
}

/** Where a container's role was named: the first of these that names one counts. */
export type RoleOrigin = "container" | "pod" | "serviceAccount" | "namespace" | "default";

export type RoleDecision = { readonly container: string; readonly asked: string; readonly origin: RoleOrigin } & (
  | { readonly allowed: true; readonly role: RoleArn }
  | ({ readonly allowed: false; readonly role?: RoleArn } & Refusal)
);

export interface PodDecision {
  /** One for each container that takes part and for which a role is named. */
  readonly roles: readonly RoleDecision[];
  /** Why the pod as a whole is refused: an annotation that nobody can follow. */
  readonly refusal?: Refusal;
}

/** Compiled expressions: a cache of a pure function, so that it may be shared by all callers of the process. */
const MATCHERS: MatcherCache = createMatcherCache();

export function decideRoles(pod: PodFacts, around: Surroundings, settings: PolicySettings): PodDecision {
  const participants = participantsOf(pod);
  if (!Array.isArray(participants)) return { roles: [], refusal: participants as Refusal };
  const stranger = Object.keys(pod.annotations).find((key) => isRoleOfStranger(key, participants));
  if (stranger !== undefined) return { roles: [], refusal: unknownContainer(stranger, participants) };
  return { roles: participants.flatMap((container) => decideOne(container, pod, around, settings)) };
}

function decideOne(container: string, pod: PodFacts, around: Surroundings, settings: PolicySettings): RoleDecision[] {
  const named = roleOf(container, pod, around, settings);
  if (named === undefined) return [];
  const { text, origin, annotation } = named;
  const role = resolveRole(text, settings.baseArn, annotation);
  const common = { container, asked: text, origin };
  if ("code" in role) return [{ ...common, allowed: false, ...role }];
  const refused = refuseByNamespace(role.arn, around.namespaceAnnotations, settings);
  if (refused === undefined) return [{ ...common, allowed: true, role }];
  const whom = `container "${container}" of pod "${pod.namespace}/${pod.name ?? "(new)"}"`;
  const message = `Cannot give role ${role.arn} to ${whom}: namespace "${pod.namespace}" does not permit it, its ${refused.state}`;
  return [{ ...common, allowed: false, role, code: refused.code, message }];
}

/** Both annotations present: both must allow. Neither: nothing is permitted. */
function refuseByNamespace(
  arn: string,
  annotations: Readonly<Record<string, string>>,
  { strictNamespaceRegexp, allowedRolesFormat: format, baseArn }: PolicySettings,
) {
  const permitted = annotations[ANNOTATIONS.permitted] ?? "";
  const allowed = annotations[ANNOTATIONS.allowedRoles];
  if (permitted === "" && allowed === undefined) {
    return { code: "ROLE_FORBIDDEN", state: `annotation ${ANNOTATIONS.permitted} is absent or empty` } as const;
  }
  return (
    (permitted === "" ? undefined : refuseByExpression(permitted, arn, strictNamespaceRegexp, MATCHERS)) ??
    (allowed === undefined ? undefined : refuseByAllowedRoles(allowed, arn, { format, baseArn }, MATCHERS))
  );
}

function roleOf(container: string, pod: PodFacts, around: Surroundings, settings: PolicySettings) {
  const ofContainer = `${ANNOTATIONS.roleOfContainer}${container}`;
  const places = [
    { origin: "container", text: pod.annotations[ofContainer], annotation: ofContainer },
    { origin: "pod", text: pod.annotations[ANNOTATIONS.role], annotation: ANNOTATIONS.role },
    {
      origin: "serviceAccount",
      text: around.serviceAccountAnnotations[ANNOTATIONS.role],
      annotation: `the ServiceAccount's ${ANNOTATIONS.role}`,
    },
    {
      origin: "namespace",
      text: around.namespaceAnnotations[ANNOTATIONS.defaultRole],
      annotation: `the namespace's ${ANNOTATIONS.defaultRole}`,
    },
    { origin: "default", text: settings.defaultRole, annotation: "--default-role" },
  ] as const;
  return places.find((place): place is typeof place & { text: string } => place.text !== undefined);
}

/** The containers that podrole.io/containers names, all when it is absent; a refusal when it names another. */
function participantsOf({ annotations, containers }: PodFacts): readonly string[] | Refusal {
  const listed = annotations[ANNOTATIONS.containers];
  if (listed === undefined) return containers;
  const names = listed
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  const unknown = names.find((name) => !containers.includes(name));
  if (unknown !== undefined) {
    return {
      code: "CONTAINER_UNKNOWN",
      message: `Cannot use ${ANNOTATIONS.containers}: the pod has no container ${quoted(unknown)}, wanted one of ${containers.join(", ")}`,
    };
  }
  return containers.filter((name) => names.includes(name));
}

function isRoleOfStranger(key: string, participants: readonly string[]): boolean {
  return (
    key.startsWith(ANNOTATIONS.roleOfContainer) && !participants.includes(key.slice(ANNOTATIONS.roleOfContainer.length))
  );
}

function unknownContainer(key: string, participants: readonly string[]): Refusal {
  const message = `Cannot use ${quoted(key)}: no container of that name takes part, wanted one of ${participants.join(", ")}`;
  return { code: "CONTAINER_UNKNOWN", message };
}

/** Everything STS is told for this pod and role; a refusal when an annotation cannot be followed. */
export function assumeRoleInput(pod: PodFacts, role: RoleArn, settings: PolicySettings): AssumeRoleInput | Refusal {
  const name = sessionName(pod, settings);
  const external = externalId(pod);
  const seconds = durationSeconds(pod, settings);
  const policyArns = sessionPolicyArns(pod);
  if (typeof name !== "string") return name;
  if (typeof external === "object") return external;
  if (typeof seconds !== "number") return seconds;
  if (policyArns !== undefined && "code" in policyArns) return policyArns;
  const tags = sessionTags(pod, settings);
  const identity = sourceIdentity(pod, settings);
  return {
    roleArn: role.arn,
    sessionName: name,
    durationSeconds: seconds,
    ...(external !== undefined && { externalId: external }),
    ...(tags && { tags }),
    ...(identity !== undefined && { sourceIdentity: identity }),
    ...(policyArns && { policyArns }),
  };
}
