// The drill of docs/ca.md for a compromised CA with 20 client pods on pod certificates, under load: no request for
// credentials may fail. A change of the ClusterTrustBundle reaches pods without their asking; a restart of the kubelet
// replaces their certificates. Sessions of the role last 4 minutes, so that each sidecar renews within about 2.
import assert from "node:assert/strict";
import { afterEach, suite, test } from "node:test";
import { splitBundle } from "../../../src/pki/bundle.ts";
import { createClients } from "./clients.ts";
import { drillFigures, reportFigures } from "./figures.ts";
import { everyPodHas, hasIssuer, hasUsedIt, trusts } from "./identities-on-node.ts";
import { withoutRightToSign } from "./install/signer.ts";
import {
  answerOf,
  CERTIFIED,
  causeOf,
  continueKubelet,
  requestsOf,
  restartKubelet,
  skipsOnOtherNodes,
  stopKubelet,
  untilRequested,
  useSigner,
} from "./pod-certificates.ts";
import { appContainer, podManifest } from "./pods.ts";
import { publishedCas, rotateCa, untilEveryServerSigns, untilPublished } from "./rotation.ts";
import { runCheck } from "./run-podrole.ts";
import { assumedRolePattern, kubectl, Not, printDiagnosis, untilSuccess, useNamespace } from "./suite.ts";

const ROLE = "shop-short";
/** The kubelet looks at its volumes every 60 to 90 s. */
const MOUNTED_WITHIN_SECONDS = 240;
/** A session lasts 4 minutes. */
const RENEWED_WITHIN_SECONDS = 300;

suite("the drill for a compromised CA with pod certificates", { timeout: 1_800_000, skip: skipsOnOtherNodes }, () => {
  const shop = useNamespace("certified-drill", CERTIFIED);
  const clients = createClients(shop, { role: ROLE });
  useSigner();
  afterEach((context) => printDiagnosis(context, shop.name));

  test("20 client pods with a pod certificate get credentials", () => clients.start());

  test("prepare, activate, kubelet restarted, retire: no request fails, and every certificate is replaced", async (context) => {
    const [began, before] = [Date.now(), await clients.answered()];
    const uids = await clients.uids();
    const [old = ""] = await publishedCas();
    await rotateCa("prepare", "--force");
    const next = (await untilPublished(2)).find((ca) => ca !== old) ?? "";
    const bundleSeconds = await everyPodHas(uids, "the next CA", trusts(next), MOUNTED_WITHIN_SECONDS);
    await clients.answered();
    const activated = new Date();
    await rotateCa("activate", "--force");
    await untilEveryServerSigns(activated);
    restartKubelet();
    const replacedSeconds = await everyPodHas(
      uids,
      "a certificate of the new CA",
      hasIssuer(next),
      MOUNTED_WITHIN_SECONDS,
    );
    // A sidecar reads the file at each renewal, so no one uses an old certificate any more.
    await rotateCa("retire", "--force");
    assert.deepEqual(await untilPublished(1), [next]);
    const isRetired = ({ bundle }: { readonly bundle: string }) => splitBundle(bundle).join() === next;
    await everyPodHas(uids, "the new CA alone", isRetired, MOUNTED_WITHIN_SECONDS);
    await everyPodHas(uids, "a renewal with the new certificate", hasUsedIt, RENEWED_WITHIN_SECONDS);
    const requests = (await clients.answered()) - before;
    assert.ok(requests > 0);
    const facts = { pods: uids.length, bundleSeconds, replacedSeconds, seconds: secondsSince(began), requests };
    reportFigures(context, drillFigures, facts);
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

  test("a pod whose CA is retired between issue and mount waits, and starts once its kubelet is restarted", async (context) => {
    await shop.ok(["delete", "deployment/clients"]);
    const [old = ""] = await publishedCas();
    await rotateCa("prepare", "--force");
    const next = (await untilPublished(2)).find((ca) => ca !== old) ?? "";
    // The kubelet stops before the request is answered, so it mounts the volume after the rotation.
    await withoutRightToSign(kubectl, async () => {
      await shop.apply(podManifest("late", { role: ROLE, containers: [appContainer("app", "once")] }));
      await untilRequested(shop, "late");
      stopKubelet();
    });
    try {
      await untilSuccess("the pod's certificate", async () => {
        const answers = (await requestsOf(shop)).filter(({ spec }) => spec.podName === "late").map(answerOf);
        return answers.join() === "Issued" ? answers : new Not(answers.join());
      });
      await rotateCa("activate", "--force");
      await rotateCa("retire", "--force");
      assert.deepEqual(await untilPublished(1), [next]);
    } finally {
      continueKubelet();
    }
    const cause = await untilSuccess("the end of a sidecar that was rejected", async () => {
      const text = (await causeOf(shop, "late")) ?? "";
      return REJECTED.test(text) ? text : new Not(text);
    });
    context.diagnostic(cause);
    restartKubelet();
    await shop.logs("late", assumedRolePattern(ROLE, shop.name));
  });
});

/** What explain says of a sidecar whose certificate is of a retired CA: the server closes the connection. */
const REJECTED = /^SERVER_UNREACHABLE: .*: connection reset by peer$/;

const secondsSince = (began: number) => Math.round((Date.now() - began) / 1000);
