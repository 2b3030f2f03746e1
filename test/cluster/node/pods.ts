// What the suite applies: a namespace under PodSecurity `restricted`, and pods that satisfy it.
export const NAMESPACE = "shop";

export const NAMESPACE_MANIFEST = `apiVersion: v1
kind: Namespace
metadata:
  name: ${NAMESPACE}
  labels: { podrole.io/inject: enabled, pod-security.kubernetes.io/enforce: restricted }
  annotations: { iam.amazonaws.com/permitted: "arn:aws:iam::123456789012:role/shop-.*" }
`;

const LOCKED = { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } };
const IMAGE = "localhost/podrole-test:1";
const ANSWERS =
  'http.createServer((_, reply) => reply.end()).listen(9764); process.on("SIGTERM", () => process.exit(0))';

/** The shape of an injected pod without podrole: what the kubelet itself takes for it. */
export const BARE_SHAPE = [
  { name: "init", image: IMAGE, args: ["--eval", "0"], securityContext: LOCKED },
  {
    name: "sidecar",
    image: IMAGE,
    restartPolicy: "Always",
    args: ["--eval", ANSWERS],
    startupProbe: { httpGet: { path: "/", port: 9764 }, periodSeconds: 1, failureThreshold: 120 },
    securityContext: LOCKED,
  },
];

/** The app of workload/app.ts in `mode`; without a role podrole leaves the pod alone. JSON, which kubectl takes too. */
export function manifest(
  kind: "Deployment" | "Job" | "Pod",
  name: string,
  mode: "once" | "stay" | "start",
  role: string | undefined,
  annotations: Readonly<Record<string, string>> = {},
  initContainers: readonly unknown[] = [],
): string {
  const labels = { app: name };
  const metadata = { labels, annotations: { ...annotations, ...(role && { "iam.amazonaws.com/role": role }) } };
  const spec = {
    restartPolicy: kind === "Deployment" ? "Always" : "Never",
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 2,
    securityContext: { runAsNonRoot: true, runAsUser: 10_001, seccompProfile: { type: "RuntimeDefault" } },
    initContainers,
    containers: [
      {
        name: "app",
        image: IMAGE,
        args: ["/app/app.cjs", mode],
        env: [{ name: "AWS_ENDPOINT_URL_STS", value: "http://sts.aws.svc.cluster.local:4566" }],
        securityContext: LOCKED,
      },
    ],
  };
  const template = { metadata, spec };
  const named = { name, namespace: NAMESPACE };
  if (kind === "Pod") {
    return JSON.stringify({ apiVersion: "v1", kind, metadata: { ...metadata, ...named }, spec });
  }
  return JSON.stringify(
    kind === "Job"
      ? { apiVersion: "batch/v1", kind, metadata: named, spec: { backoffLimit: 0, template } }
      : { apiVersion: "apps/v1", kind, metadata: named, spec: { selector: { matchLabels: labels }, template } },
  );
}
