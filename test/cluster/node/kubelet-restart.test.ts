// The kubelet restarts under 30 pods with 4 pod certificates each: it has lost all keys, and requests 120 certificates
// at once. Every pod keeps its credentials and its containers, and gets new certificates.
import assert from "node:assert/strict";
import { afterEach, suite, test } from "node:test";
import type { PodCertificateRequest } from "../../../src/kubernetes/objects.ts";
import { createClients } from "./clients.ts";
import { reportFigures, restartFigures } from "./figures.ts";
import { everyPodHas, readIdentitiesOnNode } from "./identities-on-node.ts";
import {
  answerOf,
  CERTIFIED,
  certificateMount,
  certificateVolume,
  requestsOf,
  restartKubelet,
  skipsOnOtherNodes,
  useSigner,
} from "./pod-certificates.ts";
import { Not, printDiagnosis, untilSuccess, useNamespace } from "./suite.ts";

const PODS = 30;
/** Beside podrole's own certificate: of the same signer, so that a restart makes a storm of requests. */
const OWN_VOLUMES = ["one", "two", "three"];
const ALL = PODS * (OWN_VOLUMES.length + 1);
/** The signer's queue, and kubelets that look at their volumes every 60 to 90 s. */
const ANSWERED_WITHIN_SECONDS = 240;

suite("a kubelet's restart with pod certificates", { timeout: 900_000, skip: skipsOnOtherNodes }, () => {
  const shop = useNamespace("kubelet-restart", CERTIFIED);
  const clients = createClients(shop, {
    ...{ pods: PODS, periodMs: 1_000 },
    container: { volumeMounts: OWN_VOLUMES.map(certificateMount) },
    spec: { volumes: OWN_VOLUMES.map((name) => certificateVolume(name)) },
  });
  useSigner();
  afterEach((context) => printDiagnosis(context, shop.name));

  const restarts = () => shop.ok(["get", "pods", "-o", "jsonpath={..restartCount}"]);
  const createdAt = ({ metadata }: PodCertificateRequest) => Date.parse(metadata.creationTimestamp ?? "");

  test(`${PODS} client pods with ${ALL} certificates get credentials`, () => clients.start());

  test("every pod keeps its credentials and containers, and all certificates are replaced", async (context) => {
    const uids = await clients.uids();
    const [before, first, restartsBefore] = [await clients.answered(), readIdentitiesOnNode(), await restarts()];
    const known = new Set((await requestsOf(shop)).map(({ metadata }) => metadata.uid));
    const began = Date.now();
    restartKubelet();
    const answered = await untilSuccess(
      `${ALL} new certificates`,
      async () => {
        const made = (await requestsOf(shop)).filter(({ metadata }) => !known.has(metadata.uid));
        const issued = made.filter((request) => answerOf(request) === "Issued");
        return issued.length >= ALL ? made : new Not(`${issued.length} of ${made.length} requests were answered`);
      },
      { seconds: ANSWERED_WITHIN_SECONDS, everyMs: 500 },
    );
    const answeredSeconds = (Date.now() - began) / 1000;
    const mountedSeconds = await everyPodHas(
      uids,
      "a new certificate",
      ({ certificate }, uid) => certificate !== "" && certificate !== first.get(uid)?.certificate,
      ANSWERED_WITHIN_SECONDS,
    );
    assert.deepEqual(answered.filter((request) => answerOf(request) !== "Issued").map(answerOf), []);
    assert.equal(await restarts(), restartsBefore, "no container was restarted");
    const requests = (await clients.answered()) - before;
    assert.ok(requests > 0);
    const times = answered.map(createdAt);
    reportFigures(context, restartFigures, {
      pods: uids.length,
      made: answered.length,
      madeWithinSeconds: Math.round((Math.max(...times) - Math.min(...times)) / 1000),
      answeredSeconds: Math.round(answeredSeconds),
      mountedSeconds: Math.round(answeredSeconds + mountedSeconds),
      requests,
    });
  });
});
