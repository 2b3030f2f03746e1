// What the programs write for other programs: responses of the sidecar, paths of the webhook and of the operational
// HTTP ports, keys of the ConfigMap and the Secret.
import type { IncomingMessage } from "node:http";
import { setImmediate } from "node:timers/promises";
import { encodeAuthorities } from "../../src/pki/authorities.ts";
import { createAuthority } from "../../src/pki/certificate.ts";
import { refuse } from "../../src/protocol/errors.ts";
import { createPages } from "../../src/runtime/pages.ts";
import { Secret } from "../../src/runtime/secret.ts";
import { type KnownPod, knownPodOf } from "../../src/server/issue/known-pod.ts";
import { encodeRefusals, REFUSALS_KEY } from "../../src/server/state/refusal-records.ts";
import { composeStatePage } from "../../src/server/state/state-page.ts";
import { terminationMessage } from "../../src/sidecar/files/termination-message.ts";
import type { Credentials } from "../../src/sidecar/grants.ts";
import { createHealthServer } from "../../src/sidecar/http/health.ts";
import { createMetadataPaths } from "../../src/sidecar/http/metadata/metadata-paths.ts";
import { credentialsReply, type Reply, refusalReply } from "../../src/sidecar/http/replies.ts";
import { createSidecarMetrics } from "../../src/sidecar/metrics.ts";
import { createWebhookApp } from "../../src/webhook/app.ts";
import { startTrustBundle } from "../../src/webhook/trust-bundle.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { createKeptLog } from "../fakes/log.ts";
import { injectedPod } from "../injection/injected-pod.ts";
import { exampleHolding, examplePage, exampleRefusal } from "../protocol/state/pages.ts";
import { sendRequest } from "../sidecar/send-request.ts";
import { type Contract, type Entries, entriesOf, shapeOf } from "./entries.ts";

const clock = createFakeClock();
const REFUSAL = refuse("ROLE_MISSING", "MESSAGE");
const GRANTED: Credentials = {
  accessKeyId: "ASIA1",
  secretAccessKey: new Secret("key"),
  sessionToken: new Secret("session"),
  roleArn: "arn:aws:iam::123456789012:role/team/app",
  accountId: "123456789012",
  issuedAtMs: clock.now(),
  expiresAtMs: clock.now() + 3_600_000,
  renewAtMs: 0,
};

export async function recordsContract(): Promise<Contract> {
  return {
    "sidecar: credentials": shapeOf([bodyOf(credentialsReply(GRANTED))]),
    "sidecar: refusal": shapeOf([bodyOf(refusalReply(REFUSAL))]),
    "sidecar: metadata paths": metadataPaths(),
    "sidecar: health paths": await healthPaths(),
    "sidecar: termination message": { form: terminationMessage(REFUSAL).replace(/ -- .*$/, " -- REMEDY") },
    "pages of server and webhook": await pages(),
    "webhook: paths": await webhookPaths(),
    "state port: answer": statePage(),
    "refusals ConfigMap": refusalsData(),
    "trust bundle ConfigMap": await bundleKeys(),
    "CA Secret": slotKeys(),
  };
}

function bodyOf({ body }: Reply): unknown {
  return JSON.parse(body);
}

/** An answer for the whole cluster, with a pod of which something is known and one of which nothing is. */
function statePage(): Entries {
  const { version: _v, pods: _p, podCount: _c, ...page } = examplePage("podrole-server-a", { namespace: "shop" });
  const known = (name: string): KnownPod => {
    const pod = injectedPod({ name, namespace: "shop", uid: name });
    const status = { initContainerStatuses: [{ name: "podrole-sidecar", restartCount: 1 }] };
    return knownPodOf({ ...pod, spec: { ...pod.spec, nodeName: "node-1" }, status }, {});
  };
  const holding = exampleHolding({ code: "STS_UNAVAILABLE" });
  const holdingsOf = (uid: string) => (uid === "b" ? undefined : [holding]);
  const text = composeStatePage({ ...page, known: ["a", "b", "c"].map(known), holdingsOf }, { maxBytes: 900 });
  return shapeOf([JSON.parse(text)], ["sts.results"]);
}

function refusalsData(): Entries {
  const records = { recordedSince: "2026-01-01T00:00:00.000Z", rows: [exampleRefusal()] };
  const shape = Object.entries(shapeOf([JSON.parse(encodeRefusals(records))]));
  return Object.fromEntries(shape.map(([path, type]) => [`${REFUSALS_KEY}: ${path}`, type]));
}

function metadataPaths(): Entries {
  const answer = createMetadataPaths(
    { clock, credentials: () => [GRANTED] },
    { region: "eu-central-1", zone: "eu-central-1a", acceptsVersion1: true },
  );
  const paths = [
    "/latest/meta-data/iam/security-credentials/",
    "/latest/meta-data/iam/security-credentials/app",
    "/latest/meta-data/iam/info",
    "/latest/meta-data/placement/region",
    "/latest/meta-data/placement/availability-zone",
    "/latest/dynamic/instance-identity/document",
    "/latest/meta-data/unknown",
  ];
  const read = (method: string, url: string, headers = {}) => {
    const found = answer({ method, url, headers } as IncomingMessage);
    return (typeof found === "function" ? found() : found)?.reply;
  };
  const ttl = { "x-aws-ec2-metadata-token-ttl-seconds": "60" };
  return {
    "PUT /latest/api/token": String(read("PUT", "/latest/api/token", ttl)?.status),
    ...entriesOf(
      paths,
      (path) => `GET ${path}`,
      (path) => {
        const { status = 0, body = "" } = read("GET", path) ?? {};
        const isDocument = status === 200 && body.startsWith("{");
        return isDocument ? `${status} ${Object.keys(JSON.parse(body) as object).join(", ")}` : `${status}`;
      },
    ),
  };
}

async function healthPaths(): Promise<Entries> {
  const health = createHealthServer(
    {
      clock,
      store: { isReady: () => true, expiries: () => ({ credentials: undefined, certificate: undefined }) },
      renewals: { isStuck: () => false },
      metrics: createSidecarMetrics(),
    },
    { port: 0 },
  );
  const port = await health.listen();
  const paths = ["/healthz", "/readyz", "/metrics", "/unknown"];
  const found = await Promise.all(
    paths.map(async (path) => [`GET ${path}`, String((await sendRequest(port, { path })).status)]),
  );
  await health.close();
  return Object.fromEntries(found) as Entries;
}

async function pages(): Promise<Entries> {
  const served = createPages({ clock, exposeMetrics: async () => "", unready: () => ["REASON"] });
  const routes = routeEntries(served.printRoutes({ commonPrefix: false }));
  const read = async (url: string) => (await served.inject(url)).json<object>();
  const [healthz, readyz] = [await read("/healthz"), await read("/readyz")];
  await served.close();
  return {
    ...routes,
    ...entriesOf(
      Object.entries(shapeOf([{ healthz, readyz }])),
      ([path]) => path,
      ([, type]) => type,
    ),
  };
}

async function webhookPaths(): Promise<Entries> {
  const { certificatePem, key } = createAuthority({ commonName: "CA", now: clock.now(), lifetimeMs: 3_600_000 });
  const tls = { current: () => ({ certificatePem, privateKey: key }), onChange: () => () => {} };
  const admit = () => Promise.reject(new RangeError("not called"));
  const app = createWebhookApp(
    { clock, admit, log: createKeptLog().log, tls, onUnreadable: () => {} },
    { host: "127.0.0.1", port: 0 },
  );
  await app.http.ready();
  const routes = routeEntries(app.http.printRoutes({ commonPrefix: false }));
  await app.close();
  return routes;
}

/** Reads the routes from the tree that fastify prints: "└── /healthz (GET, HEAD)". */
function routeEntries(tree: string): Entries {
  return entriesOf(
    tree.matchAll(/(\/\S*) \(([A-Z, ]+)\)/g),
    ([, path]) => `path ${path}`,
    ([, , methods = ""]) => methods,
  );
}

/** The keys of podrole-trust that the webhook reads. */
async function bundleKeys(): Promise<Entries> {
  const keys: string[] = [];
  const stop = new AbortController();
  const data: Readonly<Record<string, string>> = new Proxy(
    {},
    {
      get(_data, key) {
        // A promise that resolves with an object reads its `then` first.
        if (key !== "then") keys.push(String(key));
        return undefined;
      },
    },
  );
  const kubernetes = { getConfigMap: async () => data };
  const { log } = createKeptLog();
  startTrustBundle({ kubernetes, clock, log, signal: stop.signal }, { namespace: "podrole", name: "podrole-trust" });
  await setImmediate();
  stop.abort();
  return entriesOf(
    keys,
    (key) => key,
    () => "key",
  );
}

function slotKeys(): Entries {
  const authority = createAuthority({ commonName: "CA", now: clock.now(), lifetimeMs: 3_600_000 });
  const slot = { authority, since: clock.now() };
  const previous = { certificatePem: authority.certificatePem, since: clock.now() };
  return entriesOf(
    Object.keys(encodeAuthorities({ current: slot, next: slot, previous })),
    (key) => key,
    () => "key",
  );
}
