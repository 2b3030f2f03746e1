// What the suite applies: a namespace under PodSecurity `restricted`, and pods that satisfy it.
export const NAMESPACE = "shop";

export const NAMESPACE_MANIFEST = `apiVersion: v1
kind: Namespace
metadata:
  name: ${NAMESPACE}
  labels: { podrole.io/inject: enabled, pod-security.kubernetes.io/enforce: restricted }
  annotations: { iam.amazonaws.com/permitted: "arn:aws:iam::123456789012:role/shop-.*" }
`;

/** The app of workload/app.ts in `mode`; without a role podrole leaves the pod alone. JSON, which kubectl takes too. */
export function manifest(
  kind: "Deployment" | "Job" | "Pod",
  name: string,
  mode: "once" | "stay" | "start",
  role: string | undefined,
  annotations: Readonly<Record<string, string>> = {},
): string {
  const labels = { app: name };
  const metadata = { labels, annotations: { ...annotations, ...(role && { "iam.amazonaws.com/role": role }) } };
  const spec = {
    restartPolicy: kind === "Deployment" ? "Always" : "Never",
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 2,
    securityContext: { runAsNonRoot: true, runAsUser: 10_001, seccompProfile: { type: "RuntimeDefault" } },
    containers: [
      {
        name: "app",
        image: "localhost/podrole-test:1",
        args: ["/app/app.cjs", mode],
        env: [{ name: "AWS_ENDPOINT_URL_STS", value: "http://sts.aws.svc.cluster.local:4566" }],
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
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
