// The playground's examples; test/site/playground.test.ts runs each.
import type { PlaygroundInput } from "./run.ts";

/** An input with its name in the list, and the decision about its pod. */
export interface Example extends PlaygroundInput {
  readonly name: string;
  readonly decision: "inject" | "skip" | "refuse";
}

const BASE_ARN = "--role-base-arn arn:aws:iam::123456789012:role/";

const shop = (annotations: string, labels = "podrole.io/inject: enabled") => `apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels: { ${labels} }
  annotations:
    ${annotations}
---
`;

const PERMITTED = 'iam.amazonaws.com/permitted: "arn:aws:iam::123456789012:role/shop-.*"';

export const EXAMPLES: readonly Example[] = [
  {
    name: "A pod with a role",
    decision: "inject",
    settings: BASE_ARN,
    manifests: `${shop(PERMITTED)}apiVersion: v1
kind: Pod
metadata:
  name: orders
  namespace: shop
  annotations:
    iam.amazonaws.com/role: shop-orders
spec:
  containers:
    - name: app
      image: example/orders
`,
  },
  {
    name: "A role that the namespace does not permit",
    decision: "refuse",
    settings: BASE_ARN,
    manifests: `${shop(PERMITTED)}apiVersion: v1
kind: Pod
metadata:
  name: intruder
  namespace: shop
  annotations:
    iam.amazonaws.com/role: payroll-admin
spec:
  containers:
    - name: app
      image: example/orders
`,
  },
  {
    name: "Two containers, two roles",
    decision: "inject",
    settings: BASE_ARN,
    manifests: `${shop(PERMITTED)}apiVersion: apps/v1
kind: Deployment
metadata:
  name: orders
  namespace: shop
spec:
  selector: { matchLabels: { app: orders } }
  template:
    metadata:
      labels: { app: orders }
      annotations:
        iam.amazonaws.com/role.app: shop-orders
        iam.amazonaws.com/role.logs: shop-logs
    spec:
      containers:
        - name: app
          image: example/orders
        - name: logs
          image: example/logs
`,
  },
  {
    name: "kube2iam's allowed roles and a default role",
    decision: "inject",
    settings: BASE_ARN,
    manifests: `${shop(`iam.amazonaws.com/allowed-roles: '["shop-*"]'
    iam.amazonaws.com/default-role: shop-default`)}apiVersion: batch/v1
kind: Job
metadata:
  name: report
  namespace: shop
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: report
          image: example/report
`,
  },
  {
    name: "A namespace without the label",
    decision: "skip",
    settings: BASE_ARN,
    manifests: `${shop(PERMITTED, "team: shop")}apiVersion: v1
kind: Pod
metadata:
  name: orders
  namespace: shop
  annotations:
    iam.amazonaws.com/role: shop-orders
spec:
  containers:
    - name: app
      image: example/orders
`,
  },
];
