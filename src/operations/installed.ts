// The settings of the installed programs, from flags and environment of their Deployments and the ConfigMaps that these
// refer to. Pure. check, explain and rotate use them, so that operators need not repeat them.
import type { Condition, ConfigMap, Container, ObjectMeta, Pod } from "../kubernetes/objects.ts";
import type { LabelSelector } from "../kubernetes/selectors.ts";
import { serviceAccountOf } from "../policy/facts.ts";
import { POLICY_SETTINGS } from "../policy/settings-table.ts";
import { envName, flagName, readSettings, type Settings, type SettingTable } from "../runtime/settings.ts";
import { crossCheckServer, crossCheckWebhook } from "../settings/cross-check.ts";
import { SERVER_SETTINGS, type ServerSettings } from "../settings/server.ts";
import { WEBHOOK_SETTINGS, type WebhookSettings } from "../settings/webhook.ts";
import { parseContainerFlags } from "./manifests/container-flags.ts";
import type { UnreadyPod } from "./unready-pods.ts";

/** The fields of a Deployment that operations read. */
export interface Deployment {
  readonly metadata: ObjectMeta;
  readonly spec: { readonly replicas?: number; readonly template: Pod; readonly selector?: LabelSelector };
  readonly status?: {
    readonly readyReplicas?: number;
    readonly updatedReplicas?: number;
    readonly conditions?: readonly Partial<Condition>[];
  };
}

/** How many replicas of a program are ready, and how many are wanted. */
export interface ReplicaCount {
  /** The Deployment's. */
  readonly namespace: string;
  readonly name: string;
  readonly ready: number;
  readonly wanted: number;
  /** Why none is ready, if its pods say so: "2 pods: ImagePullBackOff: …". */
  readonly reasons?: readonly string[];
  /** If none is ready: one of the pods that are not. */
  readonly unready?: UnreadyPod;
  /** Since when too few are ready, RFC 3339. */
  readonly since?: string;
  /** Number of the Deployment's revision: its template has been changed if it is greater than 1. */
  readonly revision?: number;
  /** If none is ready: the revision before, if its ReplicaSet still exists and may be read. */
  readonly former?: FormerRevision;
}

/** An earlier template of a Deployment. */
export interface FormerRevision {
  readonly revision: number;
  /** Of the program's container. */
  readonly image: string;
}

/** Counts the replicas of a program; undefined if none of the Deployments runs it. */
export function countReplicas(program: ProgramName, deployments: readonly Deployment[]): ReplicaCount | undefined {
  const found = deploymentOf(program, deployments);
  if (found === undefined) return undefined;
  const { metadata, spec, status } = found;
  const { namespace = "", name = "", annotations = {} } = metadata;
  const counts = { namespace, name, ready: status?.readyReplicas ?? 0, wanted: spec.replicas ?? 1 };
  if (counts.ready > 0) return counts;
  const unavailable = status?.conditions?.find(({ type, status: is }) => type === "Available" && is === "False");
  const since = unavailable?.lastTransitionTime;
  const revision = Number(annotations["deployment.kubernetes.io/revision"]);
  return { ...counts, ...(since !== undefined && { since }), ...(revision > 0 && { revision }) };
}

/** The programs that run as Deployments. */
export type ProgramName = "server" | "webhook";

/** One program as it is deployed, with its settings. */
export interface InstalledProgram<Read> {
  readonly deployment: string;
  readonly serviceAccount: string;
  readonly image: string;
  /** Undefined if they cannot be used; `problems` has the reasons. */
  readonly settings: Read | undefined;
  readonly problems: readonly string[];
  /**
   * Why the program does not start with these settings: each is valid, but they conflict, or a value is out of range.
   */
  readonly refused: readonly string[];
  /** Where they were read: "Deployment podrole-webhook", "ConfigMap podrole-common". */
  readonly sources: readonly string[];
}

/** Both programs; undefined for one that no Deployment runs. */
export interface Installed {
  readonly server: InstalledProgram<ServerSettings> | undefined;
  readonly webhook: InstalledProgram<WebhookSettings> | undefined;
}

/** The message for a cluster in which neither a Deployment nor a webhook of podrole was found. */
export function notInstalledText(namespace: string): string {
  const state = `no Deployment in namespace "${namespace}" runs it, and no webhook of podrole is registered`;
  return `podrole is not installed in this cluster: ${state}; expected an installation (podrole check --pre checks the cluster before one), or --podrole-namespace`;
}

/** The Deployment that runs a program: known by its first argument, since charts may rename it. */
export function deploymentOf(program: ProgramName, deployments: readonly Deployment[]): Deployment | undefined {
  return deployments.find((deployment) => containerOf(program, deployment) !== undefined);
}

function containerOf(program: ProgramName, { spec }: Deployment): Container | undefined {
  return spec.template.spec.containers.find(({ args }) => args?.[0] === program);
}

/** Settings of both programs, from all Deployments and ConfigMaps of podrole's namespace. */
export function readInstalled(deployments: readonly Deployment[], configMaps: readonly ConfigMap[]): Installed {
  return {
    server: readProgram("server", SERVER_SETTINGS, crossCheckServer, { deployments, configMaps }),
    webhook: readProgram("webhook", WEBHOOK_SETTINGS, crossCheckWebhook, { deployments, configMaps }),
  };
}

/** Names of the ConfigMaps that the two programs read settings from. */
export function settingsConfigMaps(deployments: readonly Deployment[]): readonly string[] {
  const names = (["server", "webhook"] as const).flatMap((program) => {
    const deployment = deploymentOf(program, deployments);
    const container = deployment && containerOf(program, deployment);
    return container ? environmentOf(container, []).maps : [];
  });
  return [...new Set(names)];
}

function readProgram<const Table extends SettingTable>(
  program: ProgramName,
  table: Table,
  crossCheck: (settings: Settings<Table>) => readonly string[],
  {
    deployments,
    configMaps,
  }: { readonly deployments: readonly Deployment[]; readonly configMaps: readonly ConfigMap[] },
): InstalledProgram<Settings<Table>> | undefined {
  const deployment = deploymentOf(program, deployments);
  const container = deployment && containerOf(program, deployment);
  if (!deployment || !container) return undefined;
  const { env, maps, hidden } = environmentOf(container, configMaps);
  const read = readSettings(table, flagTexts(table, container.args?.slice(1) ?? []), env);
  const name = deployment.metadata.name ?? "";
  return {
    deployment: name,
    serviceAccount: serviceAccountOf(deployment.spec.template.spec),
    image: container.image ?? "",
    settings: read.ok ? read.value : undefined,
    problems: [...(read.ok ? [] : read.problems), ...hidden],
    refused: read.ok ? crossCheck(read.value) : [],
    sources: [`Deployment ${name}`, ...maps.map((map) => `ConfigMap ${map}`)],
  };
}

/** Texts by setting. */
function flagTexts(table: SettingTable, args: readonly string[]): Record<string, string> {
  const given = parseContainerFlags(args);
  const texts = Object.keys(table).map((key) => [key, given.get(flagName(key))] as const);
  return Object.fromEntries(texts.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

interface ContainerVariables {
  readonly env: Readonly<Record<string, string>>;
  readonly maps: readonly string[];
  /** Variables whose value is not in the Deployment or a ConfigMap. */
  readonly hidden: readonly string[];
}

/** Follows Kubernetes' precedence: a later envFrom overrides an earlier one, and `env` overrides both. */
function environmentOf(container: Container, configMaps: readonly ConfigMap[]): ContainerVariables {
  const dataOf = (name: string) => configMaps.find(({ metadata }) => metadata.name === name)?.data ?? {};
  const env: Record<string, string> = {};
  const maps: string[] = [];
  const hidden: string[] = [];
  const from = (container["envFrom"] ?? []) as { prefix?: string; configMapRef?: { name: string } }[];
  for (const { prefix = "", configMapRef } of from) {
    if (configMapRef === undefined) continue;
    maps.push(configMapRef.name);
    for (const [key, value] of Object.entries(dataOf(configMapRef.name))) env[`${prefix}${key}`] = value;
  }
  for (const { name, value, valueFrom } of container.env ?? []) {
    const ref = valueFrom?.["configMapKeyRef"] as { name: string; key: string } | undefined;
    if (ref !== undefined) {
      maps.push(ref.name);
      env[name] = dataOf(ref.name)[ref.key] ?? "";
    } else if (valueFrom === undefined) env[name] = value ?? "";
    else if (name.startsWith("PODROLE_"))
      hidden.push(`${name}: its value is not in a ConfigMap and cannot be read from here`);
  }
  return { env, maps: [...new Set(maps)], hidden };
}

/** One sentence for each connection setting in which server and webhook differ, with both values. */
export function connectionDifferences(installed: Installed): readonly string[] {
  return findDifferences(installed, ["trustDomain", "audience", "trustConfigMap"]);
}

/** One sentence for each policy setting in which server and webhook differ, with both values. */
export function policyDifferences(installed: Installed): readonly string[] {
  const keys = Object.keys(POLICY_SETTINGS) as (keyof typeof POLICY_SETTINGS)[];
  const [ours, theirs] = [installed.server?.settings, installed.webhook?.settings];
  // The server detects the base ARN of its account; a webhook with this base ARN as a setting decides the same.
  const isDetected = ours?.roleBaseArn === undefined && ours?.roleBaseArnAutodetect && theirs?.roleBaseArn;
  return findDifferences(installed, isDetected ? keys.filter((key) => !key.startsWith("roleBaseArn")) : keys);
}

function findDifferences(
  { server, webhook }: Installed,
  keys: readonly Extract<keyof ServerSettings, keyof WebhookSettings>[],
): readonly string[] {
  if (!server?.settings || !webhook?.settings) return [];
  const [ours, theirs] = [server.settings, webhook.settings];
  return keys.flatMap((key) => {
    const [a, b] = [ours[key], theirs[key]].map((value) => (value === undefined ? "not set" : JSON.stringify(value)));
    return a === b ? [] : [`${envName(key)} is ${a} for the server and ${b} for the webhook`];
  });
}
