// kiam's rules, exactly and with their bugs (github.com/uswitch/kiam at v4.2): pkg/aws/sts/arn_resolver.go,
// pkg/server/policy.go, pkg/aws/sts/cache.go, pkg/k8s/pod_cache.go. Only what kiam gives a pod is decided here; what
// podrole does is decided by src/policy.
import type { Pod } from "../../../kubernetes/objects.ts";
import { ANNOTATIONS, quoted, valueOf } from "../../../policy/annotations.ts";
import { compileExpression } from "../../../policy/expression.ts";
import { parseRoleArn, withoutSlash } from "../../../policy/role.ts";
import { kiamSessionName } from "../../../policy/session-name.ts";
import type { NamespaceFacts } from "../input/inventory.ts";
import type { Predecessor, PredecessorOutcome } from "../predecessor/predecessor.ts";

/** The flags of kiam that decide what a pod gets. */
export interface KiamSettings {
  /** Prefix of short role names, as written: kiam adds no slash. Undefined if unknown. */
  readonly baseArn: string | undefined;
  readonly strictNamespaceRegexp: boolean;
  readonly session: string;
  /** Milliseconds. */
  readonly sessionDurationMs: number;
}

/** kiam's own defaults. */
export const KIAM_DEFAULTS: KiamSettings = {
  baseArn: undefined,
  strictNamespaceRegexp: true,
  session: "kiam",
  sessionDurationMs: 900_000,
};

/** Models kiam with these settings. */
export function createKiam(settings: KiamSettings): Predecessor {
  const permits = (namespace: NamespaceFacts, arn: string) => kiamPermits(namespace, arn, settings);
  return {
    name: "kiam",
    restricts: true,
    roleKey: ANNOTATIONS.role,
    sessionDurationMs: settings.sessionDurationMs,
    usualSessionName: kiamSessionName(settings.session),
    permits,
    outcomeOf: (pod, namespace) => outcomeByKiam(pod, namespace, settings),
  };
}

function outcomeByKiam({ metadata }: Pod, namespace: NamespaceFacts, settings: KiamSettings): PredecessorOutcome {
  const annotations = metadata.annotations ?? {};
  // kiam's agent treats an empty role as none: 404 "empty role".
  const text = valueOf(annotations, ANNOTATIONS.role) || undefined;
  if (text === undefined) return { kind: "none" };
  const arn = resolveByKiam(text, settings.baseArn);
  if (arn === undefined) return { kind: "crash", why: `${quoted(text)} has fewer than six parts` };
  const permitted = kiamPermits(namespace, arn, settings);
  if (permitted === undefined) return { kind: "denied", arn, why: `${ANNOTATIONS.permitted} does not compile` };
  if (!permitted) return { kind: "denied", arn, why: `not permitted by ${ANNOTATIONS.permitted}` };
  if (!parseRoleArn(arn)) return { kind: "denied", arn, why: `STS rejects ${quoted(arn)}, which is not a role ARN` };
  return {
    kind: "granted",
    arn,
    sessionName: kiamSessionName(valueOf(annotations, ANNOTATIONS.sessionName) || settings.session),
    externalId: valueOf(annotations, ANNOTATIONS.externalId) || undefined,
  };
}

/**
 * Undefined for an ARN with fewer than six parts: kiam reads the sixth without a bounds check, and every server
 * crashes.
 */
export function resolveByKiam(text: string, baseArn: string | undefined): string | undefined {
  if (text.startsWith("arn:")) return text.split(":").length < 6 ? undefined : text;
  return `${baseArn ?? ""}${withoutSlash(text)}`;
}

/**
 * kiam matches "^" + expression + "$" without a group, so `a|b` means "begins with a, or ends with b"; with
 * --disable-strict-namespace-regexp, the expression matches anywhere in the ARN. Undefined if it does not compile.
 */
export function kiamPermits(
  { annotations }: NamespaceFacts,
  arn: string,
  { strictNamespaceRegexp }: Pick<KiamSettings, "strictNamespaceRegexp">,
): boolean | undefined {
  const text = valueOf(annotations, ANNOTATIONS.permitted) ?? "";
  if (text === "") return false;
  const expression = compileExpression(strictNamespaceRegexp ? `^${text}$` : text);
  return expression.ok ? expression.value.matchesAnywhere(arn) : undefined;
}
