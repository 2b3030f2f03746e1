// The predecessor as the cluster runs it: its settings, where they were found, and the podrole settings that replace
// them. from-kiam/ and from-kube2iam/ read it.
import { duration } from "../../../runtime/settings.ts";
import type { ContainerFlags } from "../../manifests/container-flags.ts";
import type { ServerPlacement } from "../settings/chart-values.ts";
import type { Conversion } from "../settings/convert-flags.ts";
import type { CommandLine } from "./container-args.ts";
import type { Predecessor } from "./predecessor.ts";

/** What is known of the predecessor in this cluster. */
export interface PredecessorInstallation {
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

/** Sets `flag` to the base ARN of the command line, if there is one, and then drops the flag that detects it. */
export function withBaseArn(
  found: ContainerFlags | undefined,
  flag: string,
  autodetect: string,
  baseArn: string | undefined,
): ContainerFlags {
  const flags = new Map(found ?? []);
  if (baseArn === undefined) return flags;
  flags.delete(autodetect);
  return flags.set(flag, baseArn);
}

/** Milliseconds; undefined if the flag is not given or is not a duration. */
export function durationOf(flags: ContainerFlags, flag: string): number | undefined {
  const value = flags.get(flag);
  return value === undefined ? undefined : duration.parse(value);
}

/** The places of the command lines, each once; undefined if none was found. */
export function describePlaces(lines: readonly (Pick<CommandLine, "place"> | undefined)[]): string | undefined {
  const places = lines.flatMap((line) => line?.place ?? []);
  return places.length > 0 ? [...new Set(places)].join(", ") : undefined;
}
