// Manifests of the suite, in JSON, which kubectl also accepts: pods that satisfy PodSecurity `restricted`.

const LOCKED = { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } };
/** The image of the suite's own programs: Node, a shell, /app. */
export const TEST_IMAGE = "localhost/podrole-test:1";

/** A labelled namespace whose pods may have the roles shop-*. */
export function injectedNamespace(
  name: string,
  { labels = {}, annotations = {} }: Pick<PodShape, "labels" | "annotations"> = {},
): string {
  const metadata = {
    name,
    labels: { "podrole.io/inject": "enabled", ...labels },
    annotations: { "iam.amazonaws.com/permitted": "arn:aws:iam::123456789012:role/shop-.*", ...annotations },
  };
  return JSON.stringify({ apiVersion: "v1", kind: "Namespace", metadata });
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * A container with workload/app.ts. "once": prints its AWS identity and exits; "stay": keeps running; "start": no AWS
 * call.
 */
export function appContainer(name = "app", mode: "once" | "stay" | "start" = "stay", more: Fields = {}): Fields {
  return {
    name,
    image: TEST_IMAGE,
    args: ["/app/app.cjs", mode],
    env: [{ name: "AWS_ENDPOINT_URL_STS", value: "http://sts.aws.svc.cluster.local:4566" }],
    securityContext: LOCKED,
    ...more,
  };
}

/** A container that requests credentials every `periodMs` and counts the results (workload/load.ts). */
export function loadContainer(periodMs: number): Fields {
  return appContainer("app", "stay", {
    args: ["/app/load.cjs"],
    env: [{ name: "PERIOD_MS", value: String(periodMs) }],
  });
}

export interface PodShape {
  /** Value of iam.amazonaws.com/role. */
  readonly role?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** Default: one container made by `app()`. */
  readonly containers?: readonly Fields[];
  /** Additional fields of the pod's spec. */
  readonly spec?: Fields;
}

function template(
  name: string,
  { role, annotations = {}, labels = {}, containers = [appContainer()], spec = {} }: PodShape,
) {
  return {
    metadata: {
      labels: { app: name, ...labels },
      annotations: { ...annotations, ...(role !== undefined && { "iam.amazonaws.com/role": role }) },
    },
    spec: {
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 2,
      securityContext: { runAsNonRoot: true, runAsUser: 10_001, seccompProfile: { type: "RuntimeDefault" } },
      containers,
      ...spec,
    },
  };
}

export function podManifest(name: string, shape: PodShape): string {
  const { metadata, spec } = template(name, { ...shape, spec: { restartPolicy: "Never", ...shape.spec } });
  return JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { ...metadata, name }, spec });
}

export function deploymentManifest(name: string, shape: PodShape, replicas = 1): string {
  const selector = { matchLabels: { app: name } };
  const spec = { replicas, selector, template: template(name, shape) };
  return JSON.stringify({ apiVersion: "apps/v1", kind: "Deployment", metadata: { name }, spec });
}

export function statefulSet(name: string, shape: PodShape): string {
  const selector = { matchLabels: { app: name } };
  const spec = { replicas: 1, serviceName: name, selector, template: template(name, shape) };
  return JSON.stringify({ apiVersion: "apps/v1", kind: "StatefulSet", metadata: { name }, spec });
}

export function daemonSet(name: string, shape: PodShape): string {
  const spec = { selector: { matchLabels: { app: name } }, template: template(name, shape) };
  return JSON.stringify({ apiVersion: "apps/v1", kind: "DaemonSet", metadata: { name }, spec });
}

function jobSpec(name: string, shape: PodShape) {
  return { backoffLimit: 0, template: template(name, { ...shape, spec: { restartPolicy: "Never", ...shape.spec } }) };
}

/** `more`: additional fields of the Job's spec. */
export function jobManifest(name: string, shape: PodShape, more: object = {}): string {
  const spec = { ...jobSpec(name, shape), ...more };
  return JSON.stringify({ apiVersion: "batch/v1", kind: "Job", metadata: { name }, spec });
}

/** Scheduled for 31 February, so it never starts on its own: `kubectl create job --from` starts it. */
export function cronJob(name: string, shape: PodShape): string {
  const spec = { schedule: "0 0 31 2 *", jobTemplate: { spec: jobSpec(name, shape) } };
  return JSON.stringify({ apiVersion: "batch/v1", kind: "CronJob", metadata: { name }, spec });
}
