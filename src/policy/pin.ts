// A pod's pin: the roles and session settings that the webhook decided, as a variable of podrole-sidecar. Nobody can
// change a variable of a pod that exists, but a kubelet can change annotations of its pods, by pods/status. With
// --pin-roles the server decides on the pinned values as if the pod's annotations had them; whether the namespace
// permits the roles, and every other rule, is still checked at each issuance.
import { type Refusal, refuse } from "../protocol/errors.ts";
import { canonicalJson } from "../runtime/canonical-json.ts";
import { isObject, parseJson } from "../runtime/json-object.ts";
import { ANNOTATIONS, MAX_ANNOTATIONS_LENGTH, SESSION_ANNOTATIONS, valueOf } from "./annotations.ts";
import type { PodFacts, RoleDecision } from "./model.ts";

/** The variable of podrole-sidecar that has the pin; its value is canonical JSON. */
export const PIN_VARIABLE = "PODROLE_PINNED_ROLES";

/**
 * In characters. The server decides on a pin as on the annotations for which it stands; these are longer, and it
 * accepts no more of them. Linux would pass 128 KiB to podrole-sidecar (MAX_ARG_STRLEN, execve(2)).
 */
export const MAX_PIN_LENGTH = MAX_ANNOTATIONS_LENGTH;

/** What a pin has. */
interface Pin {
  /** Container → ARN of its role, or the role's name if only the server can resolve it. */
  readonly roles: Readonly<Record<string, string>>;
  /** Annotation that decides about sessions → its value. */
  readonly session: Readonly<Record<string, string>>;
}

/**
 * Returns the pin of a pod with these annotations, to which these roles were given; ANNOTATION_INVALID if the server
 * would not accept so long a one, as with long inherited roles for many containers.
 */
export function formatPin(
  roles: readonly RoleDecision[],
  annotations: Readonly<Record<string, string>> = {},
): string | Refusal {
  const named = roles.map(({ container, role, asked }) => [container, role?.arn ?? asked] as const);
  const session = SESSION_ANNOTATIONS.flatMap((name) => {
    const value = valueOf(annotations, name);
    return value === undefined ? [] : [[name, value] as const];
  });
  const pin: Pin = { roles: Object.fromEntries(named), session: Object.fromEntries(session) };
  const length = Object.entries(annotationsOf(pin)).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  if (length <= MAX_ANNOTATIONS_LENGTH) return canonicalJson(pin);
  const state = `as annotations, roles and session settings have ${length} characters`;
  return refuse(
    "ANNOTATION_INVALID",
    `Cannot pin the pod's roles: ${state}; expected at most ${MAX_ANNOTATIONS_LENGTH}`,
  );
}

/**
 * Returns the facts of a pod whose annotations are what its pin says, and nothing else. ROLE_UNPINNED if the pod has no
 * pin, or one that formatPin() does not write.
 */
export function pinnedFacts(facts: PodFacts): PodFacts | Refusal {
  const pin = facts.pin === undefined ? undefined : parsePin(facts.pin);
  if (pin === undefined) {
    const state = facts.pin === undefined ? "it has no pin" : "its pin is not one that the webhook writes";
    const expected = `expected ${PIN_VARIABLE} of podrole-sidecar, which the webhook writes with --pin-roles`;
    const whom = `pod "${facts.namespace}/${facts.name ?? "(new)"}"`;
    return refuse("ROLE_UNPINNED", `Cannot issue credentials to ${whom}: ${state}; ${expected}`);
  }
  return { ...facts, annotations: annotationsOf(pin) };
}

/**
 * Returns container → ARN of its pinned role, or the role's name if only the server can resolve it; undefined without a
 * pin.
 */
export function pinnedRoles({ pin }: Pick<PodFacts, "pin">): Readonly<Record<string, string>> | undefined {
  return pin === undefined ? undefined : parsePin(pin)?.roles;
}

/** The annotations that say what the pin says. */
function annotationsOf({ roles, session }: Pin): Readonly<Record<string, string>> {
  const own = Object.entries(roles).map(([name, role]) => [`${ANNOTATIONS.roleOfContainer}${name}`, role]);
  return { ...session, [ANNOTATIONS.containers]: Object.keys(roles).join(","), ...Object.fromEntries(own) };
}

/** Undefined for any text that formatPin() does not write. */
function parsePin(text: string): Pin | undefined {
  const value = parseJson(text);
  if (!hasMaps(value) || Object.keys(value.session).some((name) => !SESSION_ANNOTATIONS.includes(name))) {
    return undefined;
  }
  return canonicalJson(value) === text ? value : undefined;
}

function hasMaps(value: unknown): value is Pin {
  if (!isObject(value) || Object.keys(value).join() !== "roles,session") return false;
  return Object.values(value).every(isTextMap);
}

function isTextMap(value: unknown): boolean {
  return isObject(value) && Object.values(value).every((text) => typeof text === "string");
}
