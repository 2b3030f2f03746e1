// Arbitrary pods as users and other webhooks make them, for property tests. Names are unique, as the API server
// requires.
import assert from "node:assert/strict";
import * as fc from "fast-check";
import { type PlanInput, type PlanSettings, plan } from "../../src/injection/plan.ts";
import type { Container, EnvVar, Pod } from "../../src/kubernetes/objects.ts";
import { PLAN_SETTINGS } from "./plan-settings.ts";

const ENV_NAMES = [
  "LOG_LEVEL",
  "AWS_REGION",
  "AWS_DEFAULT_REGION",
  "AWS_PROFILE",
  "AWS_ACCESS_KEY_ID",
  "AWS_EC2_METADATA_DISABLED",
  "AWS_CONTAINER_CREDENTIALS_FULL_URI",
  "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
  "HTTP_PROXY",
  "http_proxy",
  "NO_PROXY",
  "no_proxy",
];

const variable: fc.Arbitrary<EnvVar> = fc.oneof(
  fc.record({ name: fc.constantFrom(...ENV_NAMES), value: fc.constantFrom("", "x", "127.0.0.1", ".svc,10.0.0.1") }),
  fc.record({
    name: fc.constantFrom(...ENV_NAMES),
    valueFrom: fc.constant({ configMapKeyRef: { name: "settings", key: "value" } }),
  }),
);

const resources = fc.constantFrom(
  { requests: { cpu: "1", memory: "1Gi" }, limits: { cpu: "1000m", memory: "1024Mi" } },
  { limits: { cpu: "1", memory: "1Gi" } },
  { requests: { cpu: "10m" } },
  {},
);

const mounts = fc.uniqueArray(
  fc.record(
    {
      name: fc.constantFrom("data", "cache"),
      mountPath: fc.constantFrom("/data", "/var/run/secrets", "/run", "/tmp"),
      readOnly: fc.constant(true),
    },
    { requiredKeys: ["name", "mountPath"] },
  ),
  { selector: ({ mountPath }) => mountPath },
);

const container = (name: string): fc.Arbitrary<Container> =>
  fc.record(
    {
      name: fc.constant(name),
      image: fc.constant("app"),
      env: fc.uniqueArray(variable, { selector: (each) => each.name, maxLength: 6 }),
      ports: fc.array(fc.record({ containerPort: fc.integer({ min: 9760, max: 9770 }) }), { maxLength: 3 }),
      volumeMounts: mounts,
      resources,
      restartPolicy: fc.constant("Always"),
      securityContext: fc.constant({ runAsUser: 1000 }),
    },
    { requiredKeys: ["name"] },
  ) as fc.Arbitrary<Container>;

const containers = (names: readonly string[], minLength: number): fc.Arbitrary<Container[]> =>
  fc.shuffledSubarray([...names], { minLength }).chain((chosen) => fc.tuple(...chosen.map(container)));

const ROLES = ["shop-a", "shop-b", "team/shop", "arn:aws:iam::123456789012:role/shop-c"];

const annotations: fc.Arbitrary<Record<string, string>> = fc.record(
  {
    "iam.amazonaws.com/role": fc.constantFrom(...ROLES, "payments", "arn:foo", ""),
    "iam.amazonaws.com/role.app": fc.constantFrom(...ROLES),
    "podrole.io/containers": fc.constantFrom("app", "app,helper", "helper", ""),
    "podrole.io/mode": fc.constantFrom("native", "classic", "other"),
    "podrole.io/metadata": fc.constantFrom("enabled", "enabled-v1", "disabled", "disabled"),
    "podrole.io/inject": fc.constantFrom("enabled", "disabled"),
    "example.com/note": fc.string(),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Record<string, string>>;

export const pods: fc.Arbitrary<Pod> = fc
  .record(
    {
      apiVersion: fc.constant("v1"),
      kind: fc.constant("Pod"),
      metadata: fc.record(
        { generateName: fc.constant("app-"), labels: fc.constantFrom({}, { app: "x" }), annotations },
        { requiredKeys: ["annotations"] },
      ),
      spec: fc.record(
        {
          containers: containers(["app", "helper", "istio-proxy"], 1),
          initContainers: fc.oneof(containers(["istio-init", "linkerd-init", "migrate", "seed"], 0), fc.constant(null)),
          volumes: fc.constantFrom([{ name: "data", emptyDir: {} }], []),
          restartPolicy: fc.constantFrom("Always", "Never"),
          serviceAccountName: fc.constantFrom("", "app"),
          tolerations: fc.constant([{ operator: "Exists" }]),
        },
        { requiredKeys: ["containers"] },
      ),
    },
    { requiredKeys: ["metadata", "spec"] },
  )
  // As parsed from JSON: plain objects alone.
  .map((pod) => JSON.parse(JSON.stringify(pod)) as Pod);

/** A pod in a namespace that permits roles that contain "shop". */
export function inShop(pod: Pod): PlanInput {
  return {
    pod,
    namespace: {
      name: "shop",
      labels: { "podrole.io/inject": "enabled" },
      annotations: { "iam.amazonaws.com/permitted": "arn:aws:iam::123456789012:role/.*shop.*" },
    },
    serviceAccountAnnotations: {},
  };
}

/** Settings that change what injection adds. */
export const arbitraryPlanSettings: fc.Arbitrary<PlanSettings> = fc
  .record({ nativeSidecar: fc.boolean(), region: fc.constantFrom("eu-central-1", undefined), pins: fc.boolean() })
  .map(({ pins, ...changes }) => {
    const policy = { ...PLAN_SETTINGS.policy, ...(pins && { pinRoles: true as const }) };
    return Object.assign({}, PLAN_SETTINGS, changes, { policy });
  });

function withRole(pod: Pod): Pod {
  const { annotations = {} } = pod.metadata;
  const namesApp =
    annotations["podrole.io/containers"] === "app" && pod.spec.containers.some(({ name }) => name === "app");
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      annotations: {
        "example.com/note": annotations["example.com/note"] ?? "",
        "iam.amazonaws.com/role": "shop-a",
        ...(annotations["podrole.io/mode"] === "classic" && { "podrole.io/mode": "classic" }),
        ...(namesApp && { "podrole.io/containers": "app" }),
      },
    },
  };
}

/**
 * Pods that plan() injects, so that no property holds for lack of cases: with a role, and a container besides a mesh's.
 */
export const injectablePods: fc.Arbitrary<Pod> = pods
  .map(withRole)
  .filter(({ spec }) => spec.containers.some(({ name }) => name !== "istio-proxy"));

/** The pod as plan() injects it. */
export function injectedBy(pod: Pod, how: PlanSettings): Pod {
  const made = plan(inShop(pod), how);
  assert.equal(made.decision, "inject", made.message);
  return made.pod;
}
