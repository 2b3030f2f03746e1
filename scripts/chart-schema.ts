// Generates values.schema.json of manifests/chart, by which Helm validates values before it contacts the cluster. Names
// of settings come from the programs' own tables, so a misspelt one fails `helm install` instead of a pod.
import { COMMON_SETTINGS } from "../src/runtime/common-settings.ts";
import type { SettingTable } from "../src/runtime/settings.ts";
import { SERVER_SETTINGS } from "../src/settings/server.ts";
import { WEBHOOK_SETTINGS } from "../src/settings/webhook.ts";

type Schema = Readonly<Record<string, unknown>>;

/** Ports, files and names that the templates set themselves: other objects of the chart depend on their values. */
const SET_BY_CHART = new Set([
  ...["bind", "identityBind", "pagesBind", "stateBind", "kubeconfig", "proofFile", "caCert", "caKey"],
  ...["caSecret", "trustConfigMap", "refusalsConfigMap", "owner", "webhookConfiguration", "webhookServiceAccount"],
  "podCertificates",
]);

// Durations of one integer and one unit; sums such as "9m30s" and fractions are left to the program.
const BELOW_10_MINUTES = "^0*([0-9]m|[0-9]{1,2}s|[1-5][0-9]{2}s|[0-9]{1,5}ms|[1-5][0-9]{5}ms|0h)$";
const BELOW_15_MINUTES = "^0*([0-9]m|1[0-4]m|[0-9]{1,2}s|[1-8][0-9]{2}s|[0-9]{1,5}ms|[1-8][0-9]{5}ms|0h)$";
const ABOVE_12_HOURS = "^0*((1[3-9]|[2-9][0-9]|[1-9][0-9]{2,})h|(72[1-9]|7[3-9][0-9]|[89][0-9]{2}|[1-9][0-9]{3,})m)$";

const SESSION_LIMITS: Schema = {
  allOf: [{ not: { pattern: BELOW_15_MINUTES } }, { not: { pattern: ABOVE_12_HOURS } }],
};
const LABEL_SOURCE = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?";

/** Limits that the programs check at start (crossCheckServer(), findPolicyProblems()), by setting. */
const LIMITS: Readonly<Record<string, Schema>> = {
  certificateTtl: { not: { pattern: BELOW_10_MINUTES } },
  podCertificateRenewal: { not: { pattern: BELOW_10_MINUTES } },
  sessionDuration: SESSION_LIMITS,
  maxSessionDuration: SESSION_LIMITS,
};

/** Forms that the programs check at start and their parsers do not, by setting. */
const FORMS: Readonly<Record<string, Schema>> = {
  trustDomain: { type: "string", maxLength: 255, pattern: `^${LABEL_SOURCE}(\\.${LABEL_SOURCE})*$` },
};

const FALSE = { enum: [false, "false"] };
const hasEndpoint = (pattern: string): Schema => ({
  required: ["stsEndpoint"],
  properties: { stsEndpoint: { type: "string", pattern } },
});

const implies = (condition: Schema, consequence: Schema): Schema => ({ anyOf: [{ not: condition }, consequence] });

/** Conflicts between the server's settings, as crossCheckServer() finds them. */
const SERVER_CONFLICTS: Schema = {
  allOf: [
    implies(hasEndpoint("."), { properties: { fips: FALSE, dualStack: FALSE } }),
    implies(hasEndpoint("^http:"), {
      required: ["allowInsecureStsEndpoint"],
      properties: { allowInsecureStsEndpoint: { enum: [true, "true"] } },
    }),
  ],
};

/** Conflicts between the webhook's settings, as crossCheckWebhook() finds them. */
const WEBHOOK_CONFLICTS: Schema = { dependencies: { apiServerName: ["apiServerCa"] } };

function settingsSchema(table: SettingTable, conflicts: Schema = {}): Schema {
  const rows = Object.entries(table).filter(([key]) => !SET_BY_CHART.has(key));
  const properties = rows.map(([key, { type, help }]) => {
    const accepts = FORMS[key] ?? type.schema ?? { $ref: "#/definitions/value" };
    return [key, { description: `${help}. Accepts ${type.expects}`, ...accepts, ...LIMITS[key] }] as const;
  });
  return { ...closedObject(Object.fromEntries(properties)), ...conflicts };
}

/** Settings that both programs have. */
function sharedSettings(): SettingTable {
  const names = Object.keys(SERVER_SETTINGS).filter((key) => key in COMMON_SETTINGS || key in WEBHOOK_SETTINGS);
  return Object.fromEntries(names.map((key) => [key, SERVER_SETTINGS[key as keyof typeof SERVER_SETTINGS]]));
}

const closedObject = (properties: Schema): Schema => ({ type: "object", additionalProperties: false, properties });
const arraySchema = (items: Schema): Schema => ({ type: "array", items });
const TEXT = { type: "string" };
const OBJECT = { type: "object" };
const SWITCH = closedObject({ enabled: { type: "boolean" } });
const DNS_NAME = { type: "string", pattern: "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$" };
const TEXT_MAP = { type: "object", additionalProperties: TEXT };

const imageSchema = (pullPolicy: Schema): Schema =>
  closedObject({
    repository: { type: "string", minLength: 1, pattern: "^[^@\\s]+$" },
    tag: { type: "string", pattern: "^(\\w[\\w.-]{0,127})?$" },
    digest: { type: "string", pattern: "^(sha256:[0-9a-f]{64})?$" },
    ...pullPolicy,
  });

function programSchema(table: SettingTable, conflicts: Schema, more: Schema = {}): Schema {
  return closedObject({
    replicas: { type: "integer", minimum: 1 },
    settings: settingsSchema(table, conflicts),
    serviceAccount: closedObject({ annotations: TEXT_MAP }),
    extraEnv: arraySchema({
      type: "object",
      required: ["name"],
      // podrole's variables belong in `settings`, where their names are validated.
      properties: { name: { type: "string", not: { pattern: "^PODROLE_" } } },
    }),
    extraEnvFrom: arraySchema(OBJECT),
    extraVolumes: arraySchema(OBJECT),
    extraVolumeMounts: arraySchema(OBJECT),
    podAnnotations: TEXT_MAP,
    podLabels: TEXT_MAP,
    nodeSelector: TEXT_MAP,
    tolerations: arraySchema(OBJECT),
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
    definitions: { value: { anyOf: [{ type: ["string", "number"] }, arraySchema(TEXT)] } },
    ...closedObject({
      // Helm adds `global` if the chart is a dependency of another chart.
      global: OBJECT,
      image: imageSchema({ pullPolicy: { enum: ["", "Always", "IfNotPresent", "Never"] } }),
      sidecarImage: imageSchema({}),
      imagePullSecrets: arraySchema(closedObject({ name: DNS_NAME })),
      settings: settingsSchema(sharedSettings()),
      server: programSchema(SERVER_SETTINGS, SERVER_CONFLICTS),
      webhook: programSchema(WEBHOOK_SETTINGS, WEBHOOK_CONFLICTS, {
        failurePolicy: { enum: ["Fail", "Ignore"] },
        timeoutSeconds: { type: "integer", minimum: 1, maximum: 30 },
        annotatedPodsOnly: { type: "boolean" },
      }),
      ha: SWITCH,
      openshift: SWITCH,
      ca: closedObject({ source: { enum: ["managed", "secret", "certManager"] }, secretName: DNS_NAME }),
      admissionPolicy: SWITCH,
      podCertificates: closedObject({
        enabled: { type: "boolean" },
        inject: { type: "boolean" },
        auto: { type: "boolean" },
      }),
      networkPolicy: closedObject({
        enabled: { type: "boolean" },
        apiServerCidrs: arraySchema({ type: "string", pattern: "^[0-9a-fA-F.:]+/[0-9]{1,3}$" }),
        monitoringNamespaceLabels: TEXT_MAP,
        instanceMetadata: { type: "boolean" },
      }),
      priorityClass: closedObject({
        create: { type: "boolean" },
        name: DNS_NAME,
        // Kubernetes reserves higher values for its own classes.
        value: { type: "integer", maximum: 1_000_000_000 },
      }),
      try: closedObject({ enabled: { type: "boolean" }, image: imageSchema({}) }),
      check: closedObject({ wait: { type: "string", pattern: "^([0-9]+(ms|s|m|h))+$" } }),
    }),
  };
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}
