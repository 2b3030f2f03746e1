// kube2iam's rules to the letter (github.com/jtblin/kube2iam at 0.15.0): iam/arn.go, mappings/mapper.go, iam/iam.go,
// namespace.go. The great difference: without --namespace-restrictions every pod gets whatever role it names.
import type { Pod } from "../../kubernetes/objects.ts";
import { ANNOTATIONS, quoted, valueOf } from "../../policy/annotations.ts";
import { compileExpression } from "../../policy/expression.ts";
import { matchesGlob } from "../../policy/glob.ts";
import { parseRoleArn } from "../../policy/role.ts";
import type { Before, Predecessor } from "./before.ts";
import type { NamespaceFacts } from "./inventory.ts";

export interface Kube2iamSettings {
  /** Ends in "/": kube2iam adds it. Undefined: not known. */
  readonly baseArn: string | undefined;
  readonly defaultRole: string | undefined;
  readonly namespaceRestrictions: boolean;
  readonly restrictionFormat: "glob" | "regexp";
  readonly namespaceKey: string;
  readonly roleKey: string;
  readonly externalIdKey: string;
  /** Milliseconds: twice --iam-role-session-ttl. */
  readonly sessionDurationMs: number;
}

/** kube2iam's own defaults. */
export const KUBE2IAM_DEFAULTS: Kube2iamSettings = {
  baseArn: undefined,
  defaultRole: undefined,
  namespaceRestrictions: false,
  restrictionFormat: "glob",
  namespaceKey: ANNOTATIONS.allowedRoles,
  roleKey: ANNOTATIONS.role,
  externalIdKey: ANNOTATIONS.externalId,
  sessionDurationMs: 1_800_000,
};

export function createKube2iam(settings: Kube2iamSettings): Predecessor {
  return {
    name: "kube2iam",
    restricts: settings.namespaceRestrictions,
    roleKey: settings.roleKey,
    sessionDurationMs: settings.sessionDurationMs,
    usualSessionName: "<hash of the pod's IP>-<role name>",
    permits: (namespace, arn) => kube2iamPermits(namespace, arn, settings),
    judge: (pod, namespace) => judgeByKube2iam(pod, namespace, settings),
  };
}

function judgeByKube2iam(pod: Pod, namespace: NamespaceFacts, settings: Kube2iamSettings): Before {
  const annotations = pod.metadata.annotations ?? {};
  // A pod on its node's network is not redirected: nothing gives it the default role.
  const usual = pod.spec.hostNetwork === true ? undefined : settings.defaultRole;
  const text = valueOf(annotations, settings.roleKey) || usual;
  if (text === undefined) return { kind: "none" };
  const arn = resolveByKube2iam(text, settings.baseArn);
  if (!kube2iamPermits(namespace, arn, settings)) {
    return { kind: "denied", arn, why: `forbids it (${settings.namespaceKey})` };
  }
  if (!parseRoleArn(arn)) return { kind: "denied", arn, why: `asks STS for ${quoted(arn)}, which is no role` };
  return {
    kind: "given",
    arn,
    sessionName: kube2iamSessionName(podIpOf(pod), arn),
    externalId: valueOf(annotations, settings.externalIdKey) || undefined,
  };
}

/** "arn:" in any case stays as it is; no slash is dropped. */
export function resolveByKube2iam(text: string, baseArn: string | undefined): string {
  return /^arn:/i.test(text) ? text : `${baseArn ?? ""}${text}`;
}

/** Everything without --namespace-restrictions; with them, one pattern must match. The default role needs none. */
export function kube2iamPermits({ annotations }: NamespaceFacts, arn: string, settings: Kube2iamSettings): boolean {
  const { namespaceRestrictions, defaultRole, baseArn, restrictionFormat } = settings;
  if (!namespaceRestrictions) return true;
  if (defaultRole !== undefined && arn === resolveByKube2iam(defaultRole, baseArn)) return true;
  return patternsOf(valueOf(annotations, settings.namespaceKey) ?? "").some((pattern) => {
    const whole = resolveByKube2iam(pattern, baseArn);
    return restrictionFormat === "glob" ? matchesGlob(whole, arn) : matchesSomewhere(whole, arn);
  });
}

/** An array that cannot be read has no patterns: kube2iam logs it and forbids. */
function patternsOf(text: string): readonly string[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((each) => typeof each === "string") ? value : [];
  } catch {
    return [];
  }
}

/** With the base ARN before it and no anchor: "foo" also permits "foobar". */
function matchesSomewhere(source: string, arn: string): boolean {
  const expression = compileExpression(source);
  return typeof expression !== "string" && expression.matchesAnywhere(arn);
}

/** FNV-1a of the pod's address in hexadecimal, then the role's name, cut after 64. It is the first requester's. */
export function kube2iamSessionName(ip: string, arn: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(ip)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return `${hash.toString(16)}-${arn.slice(arn.lastIndexOf("/") + 1)}`.slice(0, 64);
}

function podIpOf({ status }: Pod): string {
  return typeof status?.["podIP"] === "string" ? status["podIP"] : "";
}
