// Records as server and webhook write them; a test overrides the fields that it is about.
export const SAMPLE_ROLE_ARN = "arn:aws:iam::123456789012:role/shop-orders";
type Fields = Readonly<Record<string, unknown>>;

export const admission = (fields: Fields = {}) => ({
  level: 30,
  time: "2026-11-26T08:00:00.100Z",
  program: "webhook",
  audit: "admission",
  request: "r-1",
  user: "alice@example.com",
  groups: ["devs"],
  namespace: "shop",
  pod: "orders",
  dryRun: false,
  roles: [{ container: "app", asked: "shop-orders", resolved: SAMPLE_ROLE_ARN, origin: "pod", allowed: true }],
  decision: "inject",
  reason: "INJECTED",
  ...fields,
});

export const certificate = (fields: Fields = {}) => ({
  time: "2026-11-26T08:00:01.000Z",
  audit: "certificate",
  decision: "issued",
  namespace: "shop",
  pod: "orders",
  podUid: "u-1",
  serviceAccount: "default",
  credentialId: "JTI=t-1",
  serial: "01AB",
  peer: "10.0.0.7:40000",
  ...fields,
});

export const credentials = (fields: Fields = {}) => ({
  time: "2026-11-26T08:00:02.000Z",
  audit: "credentials",
  decision: "issued",
  namespace: "shop",
  pod: "orders",
  podUid: "u-1",
  serviceAccount: "default",
  container: "app",
  role: SAMPLE_ROLE_ARN,
  sessionName: "shop.orders",
  outcome: "miss",
  accessKeyId: "ASIAEXAMPLE000000001",
  expiration: "2026-11-26T09:00:02.000Z",
  ...fields,
});

export const creation = (fields: Fields = {}) => ({
  kind: "Event",
  apiVersion: "audit.k8s.io/v1",
  stage: "ResponseComplete",
  auditID: "a-1",
  verb: "create",
  user: { username: "alice@example.com" },
  sourceIPs: ["192.0.2.1"],
  userAgent: "kubectl/v1.37",
  objectRef: { resource: "pods", namespace: "shop", name: "orders" },
  requestReceivedTimestamp: "2026-11-26T08:00:00.000000Z",
  responseStatus: { code: 201 },
  annotations: { "pods.podrole.io/request": "r-1" },
  ...fields,
});

export const call = (fields: Fields = {}) => ({
  eventTime: "2026-11-26T08:10:00Z",
  eventSource: "s3.amazonaws.com",
  eventName: "GetObject",
  sourceIPAddress: "198.51.100.7",
  userIdentity: { type: "AssumedRole", accessKeyId: "ASIAEXAMPLE000000001" },
  ...fields,
});

export const linesOf = (records: readonly (object | string)[]) =>
  records.map((record) => `${typeof record === "string" ? record : JSON.stringify(record)}\n`).join("");
