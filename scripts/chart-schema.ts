// Generates values.schema.json of manifests/chart, by which Helm validates values before it contacts the cluster. Names of
// settings come from the programs' own tables, so a misspelt one fails `helm install` instead of a pod.
import { COMMON_SETTINGS } from "../src/runtime/common-settings.ts";
import type { SettingTable } from "../src/runtime/settings.ts";
import { SERVER_SETTINGS } from "../src/settings/server.ts";
import { WEBHOOK_SETTINGS } from "../src/settings/webhook.ts";

type Schema = Readonly<Record<string, unknown>>;

/** Ports, files and names that the templates set themselves: other objects of the chart depend on their values. */
const SET_BY_CHART = new Set([
  ...["bind", "identityBind", "pagesBind", "kubeconfig", "proofFile", "caCert", "caKey"],
  ...["caSecret", "trustConfigMap", "owner", "webhookConfiguration", "webhookServiceAccount"],
]);

/** Integers with one unit below 10 minutes; sums such as "9m30s" and fractions are left to the program. */
const BELOW_10_MINUTES = "^0*([0-9]m|[0-9]{1,2}s|[1-5][0-9]{2}s|[0-9]{1,5}ms|[1-5][0-9]{5}ms|0h)$";

/** Lower limits that the programs check at start (crossCheckServer()), by setting. */
const MINIMA: Readonly<Record<string, Schema>> = { certificateTtl: { not: { pattern: BELOW_10_MINUTES } } };

function settings(table: SettingTable): Schema {
  const rows = Object.entries(table).filter(([key]) => !SET_BY_CHART.has(key));
  const properties = rows.map(([key, { type, help }]) => {
    const accepts = type.schema ?? { $ref: "#/definitions/value" };
    return [key, { description: `${help}. Accepts ${type.expects}`, ...accepts, ...MINIMA[key] }] as const;
  });
  return { type: "object", additionalProperties: false, properties: Object.fromEntries(properties) };
}

/** Settings that both programs have. */
function shared(): SettingTable {
  const names = Object.keys(SERVER_SETTINGS).filter((key) => key in COMMON_SETTINGS || key in WEBHOOK_SETTINGS);
  return Object.fromEntries(names.map((key) => [key, SERVER_SETTINGS[key as keyof typeof SERVER_SETTINGS]]));
}

const closed = (properties: Schema): Schema => ({ type: "object", additionalProperties: false, properties });
const listOf = (items: Schema): Schema => ({ type: "array", items });
const TEXT = { type: "string" };
const OBJECT = { type: "object" };
const SWITCH = closed({ enabled: { type: "boolean" } });
const NAME = { type: "string", pattern: "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$" };
const TEXTS = { type: "object", additionalProperties: TEXT };

const image = (pullPolicy: Schema): Schema =>
  closed({
    repository: { type: "string", minLength: 1, pattern: "^[^@\\s]+$" },
    tag: { type: "string", pattern: "^(\\w[\\w.-]{0,127})?$" },
    digest: { type: "string", pattern: "^(sha256:[0-9a-f]{64})?$" },
    ...pullPolicy,
  });

function program(table: SettingTable, more: Schema = {}): Schema {
  return closed({
    replicas: { type: "integer", minimum: 1 },
    settings: settings(table),
    serviceAccount: closed({ annotations: TEXTS }),
    extraEnv: listOf({
      type: "object",
      required: ["name"],
      // podrole's variables belong in `settings`, where their names are validated.
      properties: { name: { type: "string", not: { pattern: "^PODROLE_" } } },
    }),
    extraEnvFrom: listOf(OBJECT),
    extraVolumes: listOf(OBJECT),
    extraVolumeMounts: listOf(OBJECT),
    podAnnotations: TEXTS,
    podLabels: TEXTS,
    nodeSelector: TEXTS,
    tolerations: listOf(OBJECT),
    affinity: OBJECT,
    resources: OBJECT,
    ...more,
  });
}

/** Returns the content of values.schema.json. */
export function chartSchema(): string {
  const schema = {
    $schema: "http://json-schema.org/draft-07/schema#",
    $comment: "Generated from the programs' settings by npm run generate: change scripts/chart-schema.ts.",
    definitions: { value: { anyOf: [{ type: ["string", "number"] }, listOf(TEXT)] } },
    ...closed({
      // Helm adds `global` if the chart is a dependency of another chart.
      global: OBJECT,
      image: image({ pullPolicy: { enum: ["", "Always", "IfNotPresent", "Never"] } }),
      sidecarImage: image({}),
      imagePullSecrets: listOf(closed({ name: NAME })),
      settings: settings(shared()),
      server: program(SERVER_SETTINGS),
      webhook: program(WEBHOOK_SETTINGS, {
        failurePolicy: { enum: ["Fail", "Ignore"] },
        timeoutSeconds: { type: "integer", minimum: 1, maximum: 30 },
        annotatedPodsOnly: { type: "boolean" },
      }),
      ha: SWITCH,
      openshift: SWITCH,
      ca: closed({ source: { enum: ["managed", "secret", "certManager"] }, secretName: NAME }),
      admissionPolicy: SWITCH,
      networkPolicy: closed({
        enabled: { type: "boolean" },
        apiServerCidrs: listOf({ type: "string", pattern: "^[0-9a-fA-F.:]+/[0-9]{1,3}$" }),
        monitoringNamespaceLabels: TEXTS,
        instanceMetadata: { type: "boolean" },
      }),
      priorityClass: closed({
        create: { type: "boolean" },
        name: NAME,
        // Kubernetes reserves higher values for its own classes.
        value: { type: "integer", maximum: 1_000_000_000 },
      }),
      check: closed({ wait: { type: "string", pattern: "^([0-9]+(ms|s|m|h))+$" } }),
    }),
  };
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}
