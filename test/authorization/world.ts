// The services of the authorization matrix: podrole's server and webhook in this process on real ports, an emulated API
// server and STS, and the pods of five namespaces, admitted by the webhook, each with its sidecar.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startSts } from "../../emulators/cluster.ts";
import { requestToken } from "../../emulators/installation.ts";
import { createKubernetesEmulator } from "../../emulators/kubernetes/emulator.ts";
import { until } from "../../emulators/until.ts";
import type { Pod } from "../../src/kubernetes/objects.ts";
import { type Authorities, bundleOf, encodeAuthorities } from "../../src/pki/authorities.ts";
import { createAuthority } from "../../src/pki/certificate.ts";
import { DAY_MS, systemClock } from "../../src/runtime/clock.ts";
import { readSettings, type SettingTable } from "../../src/runtime/settings.ts";
import { createShutdown } from "../../src/runtime/shutdown.ts";
import { startServer } from "../../src/server/main.ts";
import { SERVER_SETTINGS } from "../../src/settings/server.ts";
import { WEBHOOK_SETTINGS } from "../../src/settings/webhook.ts";
import { startWebhook } from "../../src/webhook/main.ts";
import { createAdvancingClock } from "../fakes/clock.ts";
import { createKeptLog } from "../fakes/log.ts";
import { toBase64 } from "../fakes/secret-data.ts";
import { withEnvironment } from "../server/environment.ts";
import { createTemporaryDirectory, type TestScope } from "../temporary-files.ts";
import { newCa as newClientCa } from "../webhook/client-certificates.ts";
import { AUTHORIZATION_PODS, changePods, endPods, type MatrixPod, type PodId, type PodSource } from "./pods.ts";
import { startSidecar } from "./sidecar.ts";

const REGION = "eu-central-1";
const ACCOUNT = "123456789012";
const POD_AUDIENCE = "podrole.io";

export type World = Awaited<ReturnType<typeof openWorld>>;

/** Opens everything; `context` closes it. */
export async function openWorld(context: TestScope) {
  const now = Date.now();
  const newCa = (commonName: string) =>
    createAuthority({ commonName, now: now - 5 * DAY_MS, lifetimeMs: 365 * DAY_MS });
  const previousCa = newCa("podrole CA previous");
  const cas: Authorities = {
    current: { authority: newCa("podrole CA current"), since: now },
    next: { authority: newCa("podrole CA next"), since: now },
    previous: { certificatePem: previousCa.certificatePem, since: now },
  };
  const directory = createTemporaryDirectory(context);

  // The API server's clock can be put back, for tokens that have expired since.
  let apiAheadMs = 0;
  const apiClock = { ...systemClock, now: () => Date.now() + apiAheadMs };
  const kubernetes = createKubernetesEmulator({ clock: apiClock });
  await kubernetes.listen();
  context.after(() => kubernetes.close());
  const roles = Object.values(AUTHORIZATION_PODS).flatMap(({ containers }: PodSource) => Object.values(containers));
  const { sts, serverEnv } = await startSts(
    { clock: systemClock },
    { region: REGION, accountId: ACCOUNT, roles: roles.flatMap((name) => (name ? [{ name, isTrusted: true }] : [])) },
  );
  context.after(() => sts.close());
  withEnvironment(context, serverEnv);

  const clock = createAdvancingClock();
  const { log, lines } = createKeptLog();
  const shutdown = createShutdown({ clock, log }, { deadlineMs: 5_000 });
  context.after(() => shutdown.stop("end of test"));
  const deps = { clock, log, audit: (record: object) => void lines.push(record as never), shutdown };

  async function createNamespace(name: string, labels: Readonly<Record<string, string>>): Promise<void> {
    const annotations = { "iam.amazonaws.com/permitted": `arn:aws:iam::${ACCOUNT}:role/${name}-.*` };
    await created(kubernetes.create("/api/v1/namespaces", { metadata: { name, labels, annotations } }));
  }

  async function createAccount(namespace: string, name: string): Promise<void> {
    if (kubernetes.store.find("serviceaccounts", namespace, name)) return;
    await created(kubernetes.create(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name } }));
  }

  async function createPod(name: string, source: PodSource): Promise<MatrixPod> {
    const { namespace, account, containers, annotations = {}, hostNetwork } = source;
    await createAccount(namespace, account);
    const withRole = Object.entries(containers).filter(([, role]) => role !== undefined);
    const body = {
      metadata: {
        name,
        annotations: {
          ...Object.fromEntries(
            withRole.map(([container, role = ""]) => [`iam.amazonaws.com/role.${container}`, role]),
          ),
          "podrole.io/containers": withRole.map(([container]) => container).join(","),
          ...annotations,
        },
      },
      spec: {
        serviceAccountName: account,
        nodeName: "node-1",
        ...(hostNetwork && { hostNetwork }),
        containers: Object.keys(containers).map((container) => ({ name: container, image: "app" })),
      },
    };
    const pod = await created<Pod>(kubernetes.create(`/api/v1/namespaces/${namespace}/pods`, body));
    const { uid = "" } = pod.metadata;
    const token = await requestToken(kubernetes, { namespace, serviceAccount: account, pod: { name, uid } });
    return { source, pod, name, uid, token };
  }

  /** Requests a token with these fields of a TokenRequest's spec, issued `agoMs` ago. */
  async function requestOtherToken({ source, name, uid }: MatrixPod, spec: object, agoMs = 0): Promise<string> {
    const bound = { boundObjectRef: { kind: "Pod", apiVersion: "v1", name, uid } };
    const path = `/api/v1/namespaces/${source.namespace}/serviceaccounts/${source.account}/token`;
    apiAheadMs = -agoMs;
    const request = { metadata: {}, spec: { audiences: [POD_AUDIENCE], expirationSeconds: 600, ...bound, ...spec } };
    const { status } = await created<{ status: { token: string } }>(kubernetes.create(path, request));
    apiAheadMs = 0;
    return status.token;
  }

  /** Requests a token of a ServiceAccount that is bound to no pod, issued `agoMs` ago. */
  async function requestReaderToken(namespace: string, account: string, audience: string, agoMs = 0): Promise<string> {
    await createAccount(namespace, account);
    apiAheadMs = -agoMs;
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
    const request = { metadata: {}, spec: { audiences: [audience], expirationSeconds: 600 } };
    const { status } = await created<{ status: { token: string } }>(kubernetes.create(path, request));
    apiAheadMs = 0;
    return status.token;
  }

  function storeCas(authorities: Authorities): void {
    const data = toBase64(encodeAuthorities(authorities));
    const secret = { metadata: { name: "podrole-ca", namespace: "podrole" }, data };
    if (kubernetes.store.find("secrets", "podrole", "podrole-ca")) kubernetes.store.replace("secrets", secret);
    else kubernetes.store.create("secrets", secret);
  }

  await createNamespace("podrole", {});
  for (const name of ["shop", "bank", "former"]) await createNamespace(name, { "podrole.io/inject": "enabled" });
  await createNamespace("outside", {});
  storeCas(cas);
  const webhookPod = await createPod("podrole-webhook-0", {
    namespace: "podrole",
    account: "podrole-webhook",
    containers: { webhook: undefined },
  });
  await writeFile(join(directory, "kubeconfig"), kubernetes.kubeconfig());
  await writeFile(join(directory, "webhook-token"), webhookPod.token);

  const common = { kubeconfig: join(directory, "kubeconfig"), pagesBind: ANY_PORT, region: REGION };
  const baseArn = { roleBaseArn: `arn:aws:iam::${ACCOUNT}:role/` };
  const names = "podrole-server.podrole.svc,127.0.0.1";
  const server = {
    ...{ ...common, ...baseArn, bind: ANY_PORT, identityBind: ANY_PORT, stateBind: ANY_PORT, serverNames: names },
    ...{ stsEndpoint: sts.url, allowInsecureStsEndpoint: "true" },
    webhookNames: "podrole-webhook.podrole.svc,127.0.0.1",
  };
  const ports = await startServer(deps, settingsOf(SERVER_SETTINGS, server));
  const { credentials: pinned } = await startServer(deps, settingsOf(SERVER_SETTINGS, { ...server, pinRoles: "true" }));
  const openWebhook = (flags: Readonly<Record<string, string>> = {}) =>
    startWebhook(
      deps,
      settingsOf(WEBHOOK_SETTINGS, {
        ...{ ...common, ...baseArn, bind: ANY_PORT, proofFile: join(directory, "webhook-token") },
        identityAddress: `127.0.0.1:${ports.identity}`,
        serverAddress: `127.0.0.1:${ports.credentials}`,
        ...flags,
      }),
    );
  // The first server ignores the pins.
  const webhookPorts = await openWebhook({ pinRoles: "true" });
  const apiServerCa = newClientCa("API server CA");
  const caFile = join(directory, "api-server-ca.crt");
  await writeFile(caFile, apiServerCa.pem);
  const proven = await openWebhook({ apiServerCa: caFile });
  const named = await openWebhook({ apiServerCa: caFile, apiServerName: "kube-apiserver" });
  register(kubernetes, webhookPorts.webhook, bundleOf(cas));
  const clusterRule = { nonResourceURLs: ["/podrole/state"], verbs: ["get"] };
  const namespaceRule = { apiGroups: ["podrole.io"], resources: ["state"], verbs: ["get"] };
  kubernetes.restrict("system:serviceaccount:podrole:podrole-reader", [clusterRule]);
  kubernetes.restrict("system:serviceaccount:shop:podrole-reader", [namespaceRule], "shop");
  kubernetes.restrict("system:serviceaccount:shop:misbound", [clusterRule], "shop");

  const entries: [PodId, MatrixPod][] = [];
  for (const [id, source] of Object.entries(AUTHORIZATION_PODS) as [PodId, PodSource][]) {
    entries.push([id, await createPod(id.toLowerCase(), source)]);
  }
  const pods = Object.fromEntries(entries) as Readonly<Record<PodId, MatrixPod>>;
  const sidecars = new Map<PodId, Awaited<ReturnType<typeof startSidecar>>>();
  for (const [id, pod] of entries) {
    if (pod.source.sidecar === true) sidecars.set(id, await startSidecar(context, pod, directory));
  }
  endPods(kubernetes, pods);
  changePods(kubernetes, pods);

  return {
    cas,
    previousCa,
    bundlePem: bundleOf(cas),
    ports: { ...ports, pinned, webhook: webhookPorts.webhook, webhookPages: webhookPorts.pages },
    /** Ports of webhooks that demand the API server's certificate, and of one that demands its name as well. */
    closedWebhooks: { proven: proven.webhook, named: named.webhook },
    apiServerCa,
    pods,
    webhookPod,
    lines,
    sidecars,
    requestOtherToken,
    requestReaderToken,
    bearerOf: (username: string) => /token"?: "?([\w-]+)/.exec(kubernetes.kubeconfig(username))?.[1] ?? "",
    /** ARN of the role and name of the session that STS issued with this access key ID. */
    sessionOf: (accessKeyId: string) => sts.calls.list().find((call) => call.accessKeyId === accessKeyId),
    /** Removes the previous CA, and advances the server's clock to its next look at the Secret. */
    async retirePreviousCa(): Promise<void> {
      storeCas({ ...cas, previous: undefined });
      const reads = () => kubernetes.audit.filter(({ requestURI }) => requestURI.includes("podrole-ca")).length;
      const before = reads();
      clock.advance(61_000);
      await until(() => reads() >= before + 2, "both servers read the CA's Secret");
      await new Promise((resolve) => setTimeout(resolve, 100));
    },
  };
}

const ANY_PORT = "127.0.0.1:0";

function settingsOf<const Table extends SettingTable>(table: Table, flags: Readonly<Record<string, string>>) {
  const read = readSettings(table, flags, {});
  if (read.ok) return read.value;
  throw new RangeError(read.problems.join("; "));
}

async function created<Item>(reply: Promise<{ readonly code: number; readonly body: unknown }>): Promise<Item> {
  const { code, body } = await reply;
  if (code !== 201) throw new RangeError(`not created: ${code} ${JSON.stringify(body)}`);
  return body as Item;
}

function register(kubernetes: ReturnType<typeof createKubernetesEmulator>, port: number, bundlePem: string): void {
  kubernetes.store.create("mutatingwebhookconfigurations", {
    metadata: { name: "podrole" },
    webhooks: [
      {
        name: "pods.podrole.io",
        clientConfig: { url: `https://127.0.0.1:${port}/mutate`, caBundle: Buffer.from(bundlePem).toString("base64") },
        rules: [{ operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] }],
        namespaceSelector: { matchLabels: { "podrole.io/inject": "enabled" } },
        failurePolicy: "Fail",
        sideEffects: "None",
        timeoutSeconds: 5,
        admissionReviewVersions: ["v1"],
      },
    ],
  });
}
