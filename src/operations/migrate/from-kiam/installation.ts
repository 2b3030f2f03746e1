// kiam as the cluster runs it, from the values of its Helm chart or the command lines of its server and agent.
import type { KubernetesObject } from "../../manifests/parse-objects.ts";
import { findCommandLine } from "../predecessor/container-args.ts";
import { describePlaces, durationOf, type PredecessorInstallation, withBaseArn } from "../predecessor/installation.ts";
import { createKiam, KIAM_DEFAULTS } from "./authorization.ts";
import { convertKiam } from "./flag-table.ts";
import type { KiamValues } from "./helm-values.ts";

/** `baseArn` of the command line replaces the one that is found, or that kiam detects at run time. */
export function kiamInstallation(
  objects: readonly KubernetesObject[],
  values: KiamValues | undefined,
  baseArn: string | undefined,
): PredecessorInstallation {
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
    place: describePlaces([server, agent]),
    baseArn: known,
    placement: values?.placement ?? {},
    openMetadata: route === undefined || route === "" || route === "^$" ? undefined : route,
  };
}
