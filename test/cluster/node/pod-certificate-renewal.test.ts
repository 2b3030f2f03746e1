// The ordinary life of pod certificates under load, with 20 client pods: kubelets renew them as early as Kubernetes
// permits, 10 minutes after the beginning of their validity, while the CA is rotated. No request for credentials may
// fail, and every sidecar goes on with the new key and chain. Nothing is restarted.
import assert from "node:assert/strict";
import { afterEach, suite, test } from "node:test";
import { createClients } from "./clients.ts";
import { renewalFigures, reportFigures } from "./figures.ts";
import { everyPodHas, hasIssuer, hasUsedIt, readIdentitiesOnNode, trusts } from "./identities-on-node.ts";
import { CERTIFIED, skipsOnOtherNodes, useSigner } from "./pod-certificates.ts";
import { publishedCas, rotateCa, untilEveryServerSigns, untilPublished } from "./rotation.ts";
import { printDiagnosis, useNamespace } from "./suite.ts";

const ROLE = "shop-short";
const MOUNTED_WITHIN_SECONDS = 240;
/** The certificate begins 2 minutes before its issue; the kubelet takes up to 7 more minutes than 10. */
const REPLACED_WITHIN_SECONDS = 18 * 60;
const RENEWED_WITHIN_SECONDS = 300;

suite("renewal of pod certificates under load", { timeout: 2_400_000, skip: skipsOnOtherNodes }, () => {
  const shop = useNamespace("certified-renewal", CERTIFIED);
  const clients = createClients(shop, { role: ROLE });
  useSigner({ renewal: "10m" });
  afterEach((context) => printDiagnosis(context, shop.name));

  const restarts = () => shop.ok(["get", "pods", "-o", "jsonpath={..restartCount}"]);

  test("20 client pods with a pod certificate get credentials", () => clients.start());

  test("kubelets renew every certificate with the next CA, sidecars use it, and no request fails", async (context) => {
    const [began, before] = [Date.now(), await clients.answered()];
    const [uids, restartsBefore] = [await clients.uids(), await restarts()];
    const first = readIdentitiesOnNode();
    const [old = ""] = await publishedCas();
    await rotateCa("prepare", "--force");
    const next = (await untilPublished(2)).find((ca) => ca !== old) ?? "";
    const bundleSeconds = await everyPodHas(uids, "the next CA", trusts(next), MOUNTED_WITHIN_SECONDS);
    const activated = new Date();
    await rotateCa("activate", "--force");
    await untilEveryServerSigns(activated);
    await everyPodHas(uids, "a certificate of the next CA", hasIssuer(next), REPLACED_WITHIN_SECONDS);
    const replacedSeconds = secondsSince(began);
    await everyPodHas(uids, "a renewal with the new certificate", hasUsedIt, RENEWED_WITHIN_SECONDS);
    const renewed = readIdentitiesOnNode();
    for (const uid of uids) assert.notEqual(renewed.get(uid)?.certificate, first.get(uid)?.certificate);
    await rotateCa("retire", "--force");
    assert.deepEqual(await untilPublished(1), [next]);
    // Long enough for every sidecar to renew once more, with nothing but the new CA.
    await new Promise((resolve) => setTimeout(resolve, RENEWED_WITHIN_SECONDS * 500));
    const requests = (await clients.answered()) - before;
    assert.equal(await restarts(), restartsBefore, "no container was restarted");
    const facts = { pods: uids.length, bundleSeconds, replacedSeconds, seconds: secondsSince(began), requests };
    reportFigures(context, renewalFigures, facts);
  });
});

const secondsSince = (began: number) => Math.round((Date.now() - began) / 1000);
