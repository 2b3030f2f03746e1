// kube2iam as the cluster runs it, from the command line of its DaemonSet.
import type { KubernetesObject } from "../../manifests/parse-objects.ts";
import { findCommandLine } from "../predecessor/container-args.ts";
import { durationOf, type PredecessorInstallation, withBaseArn } from "../predecessor/installation.ts";
import { createKube2iam, KUBE2IAM_DEFAULTS } from "./authorization.ts";
import { convertKube2iam } from "./flag-table.ts";

/** `baseArn` of the command line replaces the one that is found, or that kube2iam detects at run time. */
export function kube2iamInstallation(
  objects: readonly KubernetesObject[],
  baseArn: string | undefined,
): PredecessorInstallation {
  const found = findCommandLine(objects, "kube2iam");
  const flags = withBaseArn(found?.flags, "base-role-arn", "auto-discover-base-arn", baseArn);
  const base = flags.get("base-role-arn");
  const known = base === undefined || base.endsWith("/") ? base : `${base}/`;
  const ttl = durationOf(flags, "iam-role-session-ttl");
  return {
    predecessor: createKube2iam({
      baseArn: known,
      defaultRole: flags.get("default-role"),
      namespaceRestrictions: flags.get("namespace-restrictions") === "true",
      restrictionFormat: flags.get("namespace-restriction-format") === "regexp" ? "regexp" : "glob",
      namespaceKey: flags.get("namespace-key") ?? KUBE2IAM_DEFAULTS.namespaceKey,
      roleKey: flags.get("iam-role-key") ?? KUBE2IAM_DEFAULTS.roleKey,
      externalIdKey: flags.get("iam-external-id") ?? KUBE2IAM_DEFAULTS.externalIdKey,
      // iam/iam.go requests sessions of twice the time that it caches them.
      sessionDurationMs: ttl === undefined ? KUBE2IAM_DEFAULTS.sessionDurationMs : 2 * ttl,
    }),
    conversion: convertKube2iam(flags),
    place: found?.place,
    baseArn: known,
    placement: {},
    openMetadata: "every path except credentials",
  };
}
