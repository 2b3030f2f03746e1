// The predecessor as the input and the command's options describe it: its settings, and the podrole settings that replace
// them.
import { duration } from "../../runtime/settings.ts";
import type { KubernetesObject } from "../manifests/objects.ts";
import type { ServerPlacement } from "./chart-values.ts";
import { type CommandFlags, type CommandLine, findCommandLine } from "./command-lines.ts";
import type { Conversion } from "./conversion.ts";
import { convertKiam } from "./convert-kiam.ts";
import { convertKube2iam } from "./convert-kube2iam.ts";
import { createKiam, KIAM_DEFAULTS } from "./kiam.ts";
import type { KiamValues } from "./kiam-values.ts";
import { createKube2iam, KUBE2IAM_DEFAULTS } from "./kube2iam.ts";
import type { Predecessor } from "./predecessor.ts";

export interface MigrationSource {
  readonly predecessor: Predecessor;
  readonly conversion: Conversion;
  /** Where its settings were found; undefined if nowhere: its defaults are then used. */
  readonly place: string | undefined;
  /** Undefined if unknown; short role names then cannot be resolved. */
  readonly baseArn: string | undefined;
  /** Instance metadata paths that its agent passes on; undefined if none or unknown. */
  readonly openMetadata: string | undefined;
  /** How its server's pods run, as values of podrole's chart. */
  readonly placement: ServerPlacement;
}

/** `baseArn` of the command line replaces the one that is found, or that kiam detects at run time. */
export function kiamSource(
  objects: readonly KubernetesObject[],
  values: KiamValues | undefined,
  baseArn: string | undefined,
): MigrationSource {
  const server = values ? { place: "--kiam-values", flags: values.server } : findCommandLine(objects, "kiam server");
  const agent = values ? { place: "--kiam-values", flags: values.agent } : findCommandLine(objects, "kiam agent");
  const flags = withBaseArn(server?.flags, "role-base-arn", "role-base-arn-autodetect", baseArn);
  const conversion = convertKiam(flags, agent?.flags ?? new Map());
  const others = (values?.others ?? []).map(
    (path) => `${path}: configures kiam's own pods; see the values of podrole's chart`,
  );
  const known = flags.get("role-base-arn");
  const route = agent?.flags.get("allow-route-regexp") ?? agent?.flags.get("whitelist-route-regexp");
  return {
    predecessor: createKiam({
      baseArn: known,
      strictNamespaceRegexp: flags.get("disable-strict-namespace-regexp") !== "true",
      session: flags.get("session") ?? KIAM_DEFAULTS.session,
      sessionDurationMs: durationOf(flags, "session-duration") ?? KIAM_DEFAULTS.sessionDurationMs,
    }),
    conversion: { ...conversion, remarks: [...conversion.remarks, ...others] },
    place: placeOf([server, agent]),
    baseArn: known,
    placement: values?.placement ?? {},
    openMetadata: route === undefined || route === "" || route === "^$" ? undefined : route,
  };
}

/** As kiamSource(), for kube2iam. */
export function kube2iamSource(objects: readonly KubernetesObject[], baseArn: string | undefined): MigrationSource {
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

function withBaseArn(
  found: CommandFlags | undefined,
  flag: string,
  autodetect: string,
  baseArn: string | undefined,
): CommandFlags {
  const flags = new Map(found ?? []);
  if (baseArn === undefined) return flags;
  flags.delete(autodetect);
  return flags.set(flag, baseArn);
}

function durationOf(flags: CommandFlags, flag: string): number | undefined {
  const value = flags.get(flag);
  return value === undefined ? undefined : duration.parse(value);
}

function placeOf(lines: readonly (CommandLine | undefined)[]): string | undefined {
  const places = lines.flatMap((line) => line?.place ?? []);
  return places.length > 0 ? [...new Set(places)].join(", ") : undefined;
}
