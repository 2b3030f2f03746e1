// The drill of docs/operate.md for a compromised CA, with 20 client pods under load: no request for credentials may
// fail, and in the end every pod has a certificate of the new CA. Sessions of the role last 4 minutes, so that each
// sidecar renews, and thereby receives the new CA, within about 2. Needs a node that the suite started, because it
// reads the sidecars' files there: a process in a sidecar's container would count towards its memory limit.
import assert from "node:assert/strict";
import { afterEach, suite, type TestContext, test } from "node:test";
import { isIssuedFrom, splitBundle } from "../../../src/pki/bundle.ts";
import { measuredNow } from "../../published-results.ts";
import { createClients } from "./clients.ts";
import { drillResult } from "./drill-results.ts";
import { appContainer, podManifest } from "./pods.ts";
import { runCheck, runPodrole } from "./run-podrole.ts";
import {
  assumedRolePattern,
  kubectl,
  NODE_DIRECTORY,
  Not,
  onNode,
  printDiagnosis,
  untilSuccess,
  useNamespace,
} from "./suite.ts";

const ROLE = "shop-short";
/** Servers read the CA's Secret once a minute, and a session lasts 4 minutes. */
const RENEWED_WITHIN_SECONDS = 420;
const LOOK_MS = 3_000;

/** Prints each pod's uid, and what its sidecar has received: the trust bundle, and the pod's certificate. */
const PRINT_TRUST = `
for volumes in /var/lib/kubelet/pods/*/volumes; do
  identity=$volumes/kubernetes.io~empty-dir/podrole-identity
  [ -d $identity ] || continue
  echo "pod $(basename $(dirname $volumes))"
  cat $identity/bundle.pem 2>/dev/null
  echo certificate
  sed -n '/BEGIN CERTIFICATE/,$p' $identity/identity.pem 2>/dev/null
done
`;

interface PodTrust {
  readonly bundle: string;
  readonly certificate: string;
}

/** Returns what the sidecars on the node have received, by the uid of their pod. */
function readTrustOnNode(): ReadonlyMap<string, PodTrust> {
  const pods = onNode(PRINT_TRUST).split(/^pod /m).slice(1);
  return new Map(
    pods.map((text) => {
      const [uid = ""] = text.split("\n", 1);
      const [bundle = "", certificate = ""] = text.slice(uid.length).split(/^certificate$/m);
      return [uid, { bundle, certificate }];
    }),
  );
}

const options = {
  timeout: 1_800_000,
  skip: NODE_DIRECTORY === "" && "needs a node that the suite started",
};

suite("the drill for a compromised CA", options, () => {
  const shop = useNamespace("drill");
  const clients = createClients(shop, { role: ROLE });
  afterEach(async (context) => {
    await printDiagnosis(context, shop.name);
    await printClosedConnections(context as TestContext);
  });

  /** Prints which sidecars have closed connections, and why: an app sees that as a reset. */
  async function printClosedConnections(context: TestContext): Promise<void> {
    if (context.passed) return;
    for (const name of (await shop.ok(["get", "pods", "-l", "app=clients", "-o", "name"])).trim().split("\n")) {
      const path = `/api/v1/namespaces/${shop.name}/pods/${name.slice("pod/".length)}:9764/proxy/metrics`;
      const { out, err } = await kubectl.run(["get", "--raw", path]);
      const closed = out.match(/^podrole_sidecar_connections_closed_total.*$/gm) ?? [err];
      context.diagnostic(`${name}: ${closed.join("; ")}`);
    }
  }

  const publishedCas = async () =>
    splitBundle(
      await kubectl.ok(["-n", "podrole", "get", "configmap", "podrole-trust", "-o", "jsonpath={.data.bundle\\.pem}"]),
    );

  async function rotate(...args: readonly string[]): Promise<void> {
    const { code, err } = await runPodrole(["rotate", ...args]);
    assert.equal(code, 0, err);
  }

  /** Waits until every client's sidecar has what is expected. */
  async function everySidecar(what: string, hasIt: (trust: PodTrust) => boolean): Promise<void> {
    const uids = await clients.uids();
    await untilSuccess(
      `${what} in every client pod`,
      async () => {
        const trust = readTrustOnNode();
        const lacking = uids.filter((uid) => !hasIt(trust.get(uid) ?? { bundle: "", certificate: "" }));
        return lacking.length === 0 ? uids : new Not(`${lacking.length} of ${uids.length} pods lack it`);
      },
      { seconds: RENEWED_WITHIN_SECONDS, everyMs: LOOK_MS },
    );
  }

  const published = (count: number) =>
    untilSuccess(`${count} published CAs`, async () => {
      const cas = await publishedCas();
      return cas.length === count ? cas : new Not(`${cas.length} CAs`);
    });

  test("20 client pods get credentials", () => clients.start());

  test("prepare, activate, retire: no request fails, and every pod gets a certificate of the new CA", async (context) => {
    const began = Date.now();
    const before = await clients.answered();
    const [old = ""] = await publishedCas();
    await rotate("prepare", "--force");
    const next = (await published(2)).find((ca) => ca !== old) ?? "";
    await everySidecar("the next CA", ({ bundle }) => splitBundle(bundle).includes(next));
    await clients.answered();
    // What the guard waits for by time has just been seen in each pod.
    await rotate("activate", "--force");
    await rotate("retire", "--force");
    assert.deepEqual(await published(1), [next]);
    await everySidecar("a certificate of the new CA", ({ certificate }) => isIssuedFrom(certificate, next));
    const requests = (await clients.answered()) - before;
    const seconds = Math.round((Date.now() - began) / 1000);
    context.diagnostic(`${requests} requests in ${seconds} s, none failed`);
    assert.ok(requests > 0);
    const { length: pods } = await clients.uids();
    if (process.env["PODROLE_PUBLISH"]) drillResult.write({ ...measuredNow(), pods, requests, seconds });
  });

  test("podrole check is content, a new pod starts, and still no request has failed", async () => {
    const { of } = await runCheck("--wait", "5m");
    assert.deepEqual(
      ["CA_SLOTS", "CA_BUNDLE", "ADMISSION"].map((id) => of(id).state),
      ["ok", "ok", "ok"],
    );
    await shop.apply(podManifest("afterwards", { role: ROLE, containers: [appContainer("app", "once")] }));
    await shop.logs("afterwards", assumedRolePattern(ROLE, shop.name));
    await clients.answered();
  });
});
