// kiam's rules to the letter, faults included (github.com/uswitch/kiam at v4.2): pkg/aws/sts/arn_resolver.go,
// pkg/server/policy.go, pkg/aws/sts/cache.go, pkg/k8s/pod_cache.go. It only answers "what does this pod get today";
// what podrole does stands in src/policy and is asked there.
import type { Pod } from "../../kubernetes/objects.ts";
import { ANNOTATIONS, quoted, valueOf } from "../../policy/annotations.ts";
import { compileExpression } from "../../policy/expression.ts";
import { parseRoleArn, withoutSlash } from "../../policy/role.ts";
import { kiamSessionName } from "../../policy/session-name.ts";
import type { Before, Predecessor } from "./before.ts";
import type { NamespaceFacts } from "./inventory.ts";

export interface KiamSettings {
  /** Put before short names as it is written: kiam adds no slash. Undefined: not known. */
  readonly baseArn: string | undefined;
  readonly strictNamespaceRegexp: boolean;
  readonly session: string;
  readonly sessionDurationMs: number;
}

/** kiam's own defaults. */
export const KIAM_DEFAULTS: KiamSettings = {
  baseArn: undefined,
  strictNamespaceRegexp: true,
  session: "kiam",
  sessionDurationMs: 900_000,
};

export function createKiam(settings: KiamSettings): Predecessor {
  const permits = (namespace: NamespaceFacts, arn: string) => kiamPermits(namespace, arn, settings);
  return {
    name: "kiam",
    restricts: true,
    roleKey: ANNOTATIONS.role,
    sessionDurationMs: settings.sessionDurationMs,
    usualSessionName: kiamSessionName(settings.session),
    permits,
    judge: (pod, namespace) => judgeByKiam(pod, namespace, settings),
  };
}

function judgeByKiam({ metadata }: Pod, namespace: NamespaceFacts, settings: KiamSettings): Before {
  const annotations = metadata.annotations ?? {};
  // An empty role is none to kiam's agent: 404 "empty role".
  const text = valueOf(annotations, ANNOTATIONS.role) || undefined;
  if (text === undefined) return { kind: "none" };
  const arn = resolveByKiam(text, settings.baseArn);
  if (arn === undefined) return { kind: "crash", why: `${quoted(text)} has fewer than six parts` };
  const permitted = kiamPermits(namespace, arn, settings);
  if (permitted === undefined) return { kind: "denied", arn, why: `cannot compile ${ANNOTATIONS.permitted}` };
  if (!permitted) return { kind: "denied", arn, why: `forbids it (${ANNOTATIONS.permitted})` };
  if (!parseRoleArn(arn)) return { kind: "denied", arn, why: `asks STS for ${quoted(arn)}, which is no role` };
  return {
    kind: "given",
    arn,
    sessionName: kiamSessionName(valueOf(annotations, ANNOTATIONS.sessionName) || settings.session),
    externalId: valueOf(annotations, ANNOTATIONS.externalId) || undefined,
  };
}

/** Undefined: kiam reads the sixth part of an ARN without looking whether there is one, and every server dies of it. */
export function resolveByKiam(text: string, baseArn: string | undefined): string | undefined {
  if (text.startsWith("arn:")) return text.split(":").length < 6 ? undefined : text;
  return `${baseArn ?? ""}${withoutSlash(text)}`;
}

/**
 * "^" + expression + "$" without a group, so that `a|b` is "begins with a, or ends with b"; without strictness the
 * expression as it is, anywhere in the ARN. Undefined: it does not compile.
 */
export function kiamPermits(
  { annotations }: NamespaceFacts,
  arn: string,
  { strictNamespaceRegexp }: Pick<KiamSettings, "strictNamespaceRegexp">,
): boolean | undefined {
  const text = valueOf(annotations, ANNOTATIONS.permitted) ?? "";
  if (text === "") return false;
  const expression = compileExpression(strictNamespaceRegexp ? `^${text}$` : text);
  return typeof expression === "string" ? undefined : expression.matchesAnywhere(arn);
}
