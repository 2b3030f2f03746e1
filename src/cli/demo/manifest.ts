// Manifest of the demo: a namespace that permits one role, and two pods that name different roles.

/** What the manifest contains of the demo's surroundings. */
export interface DemoFacts {
  readonly accountId: string;
  readonly region: string;
  /** STS endpoint for the app's SDK; not needed in a real cluster. */
  readonly stsUrl: string;
}

/** Returns the manifest as YAML. */
export function demoManifest({ accountId, region, stsUrl }: DemoFacts): string {
  return `apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels:
    podrole.io/inject: enabled
  annotations:
    iam.amazonaws.com/permitted: arn:aws:iam::${accountId}:role/shop-.*
---
apiVersion: v1
kind: Pod
metadata:
  name: orders
  namespace: shop
  annotations:
    iam.amazonaws.com/role: shop-orders
spec:
  restartPolicy: Never
  containers:
    - name: app
      image: demo/app:1
      env:
        - { name: AWS_REGION, value: ${region} }
        - { name: AWS_ENDPOINT_URL_STS, value: "${stsUrl}" }
---
apiVersion: v1
kind: Pod
metadata:
  name: intruder
  namespace: shop
  annotations:
    iam.amazonaws.com/role: payroll-admin
spec:
  containers:
    - name: app
      image: demo/app:1
`;
}
