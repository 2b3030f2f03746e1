// Converts flags of kiam or kube2iam to podrole's settings: a flag that keeps its meaning becomes a setting, and every
// other flag becomes a remark about its replacement. Keys are those of SERVER_SETTINGS and WEBHOOK_SETTINGS.
import { parseBaseArn } from "../../../policy/role.ts";
import { HOUR_MS } from "../../../runtime/clock.ts";
import { duration } from "../../../runtime/settings.ts";
import type { ContainerFlags } from "../../manifests/container-flags.ts";

/** podrole's settings in place of a predecessor's flags. */
export interface Conversion {
  /** Texts by setting, as on the command line. */
  readonly server: Readonly<Record<string, string>>;
  readonly webhook: Readonly<Record<string, string>>;
  /** One sentence for each flag that is not kept as it is, such as "--session-duration=15m: …". */
  readonly remarks: readonly string[];
}

/** Result for one flag; `server` and `webhook` name the settings that take its value. */
export type ConvertedFlag =
  | { readonly server?: string; readonly webhook?: string; readonly value: string; readonly remark?: string }
  | { readonly remark: string };

/** Converts one flag; `flags` are all of the command line, for rows that depend on another. */
export type ConvertFlag = (value: string, flags: ContainerFlags) => ConvertedFlag;

/** `explain` returns the remark about a flag without a row. */
export function convertFlags(
  flags: ContainerFlags,
  rows: Readonly<Record<string, ConvertFlag>>,
  explain: (flag: string) => string,
): Conversion {
  const server: Record<string, string> = {};
  const webhook: Record<string, string> = {};
  const remarks: string[] = [];
  for (const [flag, value] of flags) {
    const row = Object.hasOwn(rows, flag) ? rows[flag] : undefined;
    const converted = row ? row(value, flags) : { remark: explain(flag) };
    if ("value" in converted) {
      if (converted.server !== undefined) server[converted.server] = converted.value;
      if (converted.webhook !== undefined) webhook[converted.webhook] = converted.value;
    }
    const written = value === "true" ? `--${flag}` : `--${flag}=${value}`;
    if (converted.remark !== undefined) remarks.push(`${written}: ${converted.remark}`);
  }
  return { server, webhook, remarks };
}

/** The value is kept by server and webhook. */
export const keptFlag =
  (setting: string): ConvertFlag =>
  (value) => ({ server: setting, webhook: setting, value });

/** The flag needs no setting and no remark. */
export const silentFlag: ConvertFlag = () => ({ value: "" });

/** Keeps a base ARN, with the slash that podrole needs and kiam does not add. */
export const baseArn: ConvertFlag = (value) => {
  const base = parseBaseArn(value);
  if (base === undefined) return { remark: 'podrole does not accept it as a base ARN: set roleBaseArn, ending in "/"' };
  const setting = { server: "roleBaseArn", webhook: "roleBaseArn", value: base };
  return value.endsWith("/") ? setting : { ...setting, remark: 'podrole adds "/" between base ARN and role name' };
};

/** Keeps the detection of the base ARN, which is podrole's too. */
export const baseArnAutodetect: ConvertFlag = (value) =>
  value === "true"
    ? {
        server: "roleBaseArnAutodetect",
        webhook: "roleBaseArnAutodetect",
        value,
        remark:
          "the server detects it through STS; set roleBaseArn instead, so that the webhook checks short role names too",
      }
    : { remark: "podrole's default" };

/**
 * `factor` times the value. Sessions shorter than an hour have no benefit: every role allows an hour, and SDKs renew
 * short sessions all the time.
 */
export function sessionDuration(value: string, factor: number): ConvertedFlag {
  const ms = duration.parse(value);
  if (ms === undefined) return { remark: "podrole does not accept it as a duration" };
  if (ms * factor <= HOUR_MS) return { remark: "podrole's default of 1h is kept: every role allows it" };
  const text = `${(ms * factor) / 60_000}m`;
  return { server: "sessionDuration", webhook: "sessionDuration", value: text };
}
