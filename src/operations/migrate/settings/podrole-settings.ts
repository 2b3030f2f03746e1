// The settings that apply to pods after the migration: the predecessor's, converted, unless the environment overrides
// them (PODROLE_…, as for `podrole server` and `podrole webhook`). They are read by the programs' own tables, so that
// settings with which podrole would not start are found here.

import type { PlanSettings } from "../../../injection/plan.ts";
import { parseBaseArn } from "../../../policy/role.ts";
import { policySettings } from "../../../policy/settings-table.ts";
import { type Checked, success } from "../../../runtime/result.ts";
import { envName, readSettings } from "../../../runtime/settings.ts";
import { crossCheckServer } from "../../../settings/cross-check.ts";
import { planSettings } from "../../../settings/plan-settings.ts";
import { SERVER_SETTINGS } from "../../../settings/server.ts";
import { WEBHOOK_SETTINGS, type WebhookSettings } from "../../../settings/webhook.ts";
import type { Installed } from "../../installed.ts";
import type { Conversion } from "./convert-flags.ts";

/** Variables by name. */
export type SettingVariables = Readonly<Record<string, string | undefined>>;

/**
 * The settings of an installed webhook, and the server's where they decide about roles; undefined without them.
 * `baseArn` stands in for one that the installed server detects.
 */
export function installedSettings(
  { server, webhook }: Installed,
  nativeSidecar: boolean,
  baseArn: string | undefined,
): PlanSettings | undefined {
  if (!webhook?.settings) return undefined;
  const base = webhook.settings.roleBaseArn ?? (baseArn === undefined ? undefined : parseBaseArn(baseArn));
  return planSettingsFor(webhook.settings, server?.settings ?? webhook.settings, nativeSidecar, base);
}

/**
 * Takes the policy settings, which decide about roles, from `shared`, and all others from the webhook. `nativeSidecar`:
 * the cluster has native sidecars.
 */
function planSettingsFor(
  webhook: WebhookSettings,
  shared: Parameters<typeof policySettings>[0],
  nativeSidecar: boolean,
  base: WebhookSettings["roleBaseArn"],
): PlanSettings {
  const native = nativeSidecar && webhook.nativeSidecar !== "false";
  // Nothing is left for the server to detect: without --role-base-arn, short role names are reported as unresolved.
  const policy = policySettings({ ...shared, roleBaseArnAutodetect: false }, base);
  return { ...planSettings(webhook, { trustBundle: "", nativeSidecar: native }), policy };
}

/** True if a variable of the environment sets a setting of podrole's programs. */
export function hasOwnSettings(environment: SettingVariables): boolean {
  const names = [...Object.keys(SERVER_SETTINGS), ...Object.keys(WEBHOOK_SETTINGS)].map(envName);
  return names.some((name) => environment[name] !== undefined);
}

/** `nativeSidecar`: whether the cluster has native sidecars. */
export function podroleSettings(
  { server, webhook }: Pick<Conversion, "server" | "webhook">,
  environment: SettingVariables,
  nativeSidecar: boolean,
): Checked<PlanSettings> {
  const settingsFor = (table: object, converted: Readonly<Record<string, string>>) => {
    const own = Object.keys(table).filter((key) => environment[envName(key)] === undefined);
    return Object.fromEntries(own.flatMap((key) => (key in converted ? [[key, converted[key]]] : [])));
  };
  const names = (table: object) => Object.keys(table).map(envName);
  const ofServer = readSettings(
    SERVER_SETTINGS,
    settingsFor(SERVER_SETTINGS, server),
    environment,
    names(WEBHOOK_SETTINGS),
  );
  const ofWebhook = readSettings(
    WEBHOOK_SETTINGS,
    settingsFor(WEBHOOK_SETTINGS, webhook),
    environment,
    names(SERVER_SETTINGS),
  );
  const problems = [ofServer, ofWebhook].flatMap((read) => (read.ok ? [] : read.problems));
  if (!ofServer.ok || !ofWebhook.ok) return { ok: false, problems: [...new Set(problems)] };
  const wrong = crossCheckServer({ ...ofServer.value, roleBaseArnAutodetect: false });
  if (wrong.length > 0) return { ok: false, problems: wrong };
  return success(planSettingsFor(ofWebhook.value, ofServer.value, nativeSidecar, ofWebhook.value.roleBaseArn));
}
