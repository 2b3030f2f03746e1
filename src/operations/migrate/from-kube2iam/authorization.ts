// kube2iam's rules, exactly (github.com/jtblin/kube2iam at 0.15.0): iam/arn.go, mappings/mapper.go, iam/iam.go,
// namespace.go. The main difference to kiam: without --namespace-restrictions every pod gets the role that it names.

import type { Pod } from "../../../kubernetes/objects.ts";
import { ANNOTATIONS, quoted, valueOf } from "../../../policy/annotations.ts";
import { compileExpression } from "../../../policy/expression.ts";
import { matchesGlob } from "../../../policy/glob.ts";
import { parseRoleArn } from "../../../policy/role.ts";
import { parseJson } from "../../../runtime/json-object.ts";
import type { NamespaceFacts } from "../input/inventory.ts";
import type { Predecessor, PredecessorOutcome } from "../predecessor/predecessor.ts";

/** The flags of kube2iam that decide what a pod gets. */
export interface Kube2iamSettings {
  /** Ends in "/", which kube2iam adds. Undefined if unknown. */
  readonly baseArn: string | undefined;
  readonly defaultRole: string | undefined;
  readonly namespaceRestrictions: boolean;
  readonly restrictionFormat: "glob" | "regexp";
  readonly namespaceKey: string;
  readonly roleKey: string;
  readonly externalIdKey: string;
  /** Milliseconds; twice --iam-role-session-ttl. */
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

/** Models kube2iam with these settings. */
export function createKube2iam(settings: Kube2iamSettings): Predecessor {
  return {
    name: "kube2iam",
    restricts: settings.namespaceRestrictions,
    roleKey: settings.roleKey,
    sessionDurationMs: settings.sessionDurationMs,
    usualSessionName: "<hash of the pod's IP>-<role name>",
    permits: (namespace, arn) => kube2iamPermits(namespace, arn, settings),
    outcomeOf: (pod, namespace) => outcomeByKube2iam(pod, namespace, settings),
  };
}

function outcomeByKube2iam(pod: Pod, namespace: NamespaceFacts, settings: Kube2iamSettings): PredecessorOutcome {
  const annotations = pod.metadata.annotations ?? {};
  // The traffic of a hostNetwork pod is not redirected to kube2iam, so such a pod never gets the default role.
  const usual = pod.spec.hostNetwork === true ? undefined : settings.defaultRole;
  const text = valueOf(annotations, settings.roleKey) || usual;
  if (text === undefined) return { kind: "none" };
  const arn = resolveByKube2iam(text, settings.baseArn);
  if (!kube2iamPermits(namespace, arn, settings)) {
    return { kind: "denied", arn, why: `not permitted by ${settings.namespaceKey}` };
  }
  if (!parseRoleArn(arn)) return { kind: "denied", arn, why: `STS rejects ${quoted(arn)}, which is not a role ARN` };
  return {
    kind: "granted",
    arn,
    sessionName: kube2iamSessionName(podIpOf(pod), arn),
    externalId: valueOf(annotations, settings.externalIdKey) || undefined,
  };
}

/** A text that begins with "arn:", in any case, is unchanged; a leading slash is kept. */
export function resolveByKube2iam(text: string, baseArn: string | undefined): string {
  return /^arn:/i.test(text) ? text : `${baseArn ?? ""}${text}`;
}

/**
 * Without --namespace-restrictions everything is permitted; with it, one pattern must match. The default role is
 * exempt.
 */
export function kube2iamPermits({ annotations }: NamespaceFacts, arn: string, settings: Kube2iamSettings): boolean {
  const { namespaceRestrictions, defaultRole, baseArn, restrictionFormat } = settings;
  if (!namespaceRestrictions) return true;
  if (defaultRole !== undefined && arn === resolveByKube2iam(defaultRole, baseArn)) return true;
  return patternsOf(valueOf(annotations, settings.namespaceKey) ?? "").some((pattern) => {
    const whole = resolveByKube2iam(pattern, baseArn);
    return restrictionFormat === "glob" ? matchesGlob(whole, arn) : matchesSomewhere(whole, arn);
  });
}

/** An array that cannot be parsed has no patterns: kube2iam logs the error and permits nothing. */
function patternsOf(text: string): readonly string[] {
  const value = parseJson(text);
  return Array.isArray(value) && value.every((each) => typeof each === "string") ? value : [];
}

/** The base ARN is prepended and nothing is anchored: "foo" also permits "foobar". */
function matchesSomewhere(source: string, arn: string): boolean {
  const expression = compileExpression(source);
  return expression.ok && expression.value.matchesAnywhere(arn);
}

/**
 * FNV-1a hash of the pod's IP address in hexadecimal, then the role's name, cut to 64 characters. Pods of one role
 * share the session of the pod that requested it first.
 */
export function kube2iamSessionName(ip: string, arn: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(ip)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return `${hash.toString(16)}-${arn.slice(arn.lastIndexOf("/") + 1)}`.slice(0, 64);
}

function podIpOf({ status }: Pod): string {
  return typeof status?.["podIP"] === "string" ? status["podIP"] : "";
}
