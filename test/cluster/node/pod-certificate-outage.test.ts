// No server runs for at least 10 minutes, while a pod with a pod certificate starts and while the certificates of
// others are due for renewal, under load. Sessions of the role last an hour, so that apps keep their credentials.
import assert from "node:assert/strict";
import { afterEach, suite, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { createClients } from "./clients.ts";
import { reportFigures, serverOutageFigures } from "./figures.ts";
import { everyPodHas, readIdentitiesOnNode } from "./identities-on-node.ts";
import {
  answerOf,
  CERTIFIED,
  causeOf,
  explainedOnPage,
  requestsOf,
  skipsOnOtherNodes,
  untilRequested,
  useSigner,
} from "./pod-certificates.ts";
import { appContainer, podManifest } from "./pods.ts";
import { assumedRolePattern, Not, printDiagnosis, scaleDeployment, untilSuccess, useNamespace } from "./suite.ts";

const PODS = 5;
const AWAY_MS = 600_000;
/** The certificate begins 2 minutes before its issue; the kubelet takes up to 7 more minutes than 10. */
const DUE_WITHIN_SECONDS = 18 * 60;
/** The kubelet looks at its volumes every 60 to 90 s. */
const MOUNTED_WITHIN_SECONDS = 240;

suite("10 minutes without a server, with pod certificates", { timeout: 2_400_000, skip: skipsOnOtherNodes }, () => {
  const shop = useNamespace("certified-outage", CERTIFIED);
  const clients = createClients(shop, { pods: PODS });
  useSigner({ renewal: "10m" });
  afterEach((context) => printDiagnosis(context, shop.name));

  const restarts = () => shop.ok(["get", "pods", "-l", "app=clients", "-o", "jsonpath={..restartCount}"]);
  const secondsSince = (began: number) => Math.round((Date.now() - began) / 1000);

  /** Resolves when the next certificate of each of these pods has been requested, and none was issued. */
  function untilDue(uids: readonly string[]): Promise<unknown> {
    return untilSuccess(
      "a request for the next certificate of every client pod",
      async () => {
        const waiting = (await requestsOf(shop)).filter((request) => answerOf(request) === undefined);
        const due = new Set(waiting.map(({ spec }) => spec.podUID));
        return uids.every((uid) => due.has(uid)) ? due : new Not(`${due.size} pods have a request without an answer`);
      },
      { seconds: DUE_WITHIN_SECONDS, everyMs: 3_000 },
    );
  }

  test(`${PODS} client pods with a pod certificate get credentials`, () => clients.start());

  test("no request fails, a new pod waits, and both have certificates soon after the server's return", async (context) => {
    const [before, restartsBefore, uids] = [await clients.answered(), await restarts(), await clients.uids()];
    const first = readIdentitiesOnNode();
    const [client = ""] = (await shop.ok(["get", "pods", "-l", "app=clients", "-o", "name"])).split("\n");
    await scaleDeployment("podrole-server", 0);
    const began = Date.now();
    try {
      await shop.apply(podManifest("early", { role: "shop-orders", containers: [appContainer("app", "once")] }));
      await untilRequested(shop, "early");
      await untilDue(uids);
      await setTimeout(Math.max(0, began + AWAY_MS - Date.now()));
      await clients.answered();
      assert.equal(await causeOf(shop, "early"), await explainedOnPage("the server is away", shop, "early"));
      assert.equal(await causeOf(shop, client.replace("pod/", "")), undefined);
    } finally {
      await scaleDeployment("podrole-server", 2);
    }
    const [back, awaySeconds] = [Date.now(), secondsSince(began)];
    await shop.logs("early", assumedRolePattern("shop-orders", shop.name));
    const startedSeconds = secondsSince(back);
    const isNew = ({ certificate }: { readonly certificate: string }, uid: string) =>
      certificate !== "" && certificate !== first.get(uid)?.certificate;
    await everyPodHas(uids, "its next certificate", isNew, MOUNTED_WITHIN_SECONDS);
    const renewedSeconds = secondsSince(back);
    const requests = (await clients.answered()) - before;
    assert.ok(requests > 0);
    assert.equal(await restarts(), restartsBefore, "no container was restarted");
    reportFigures(context, serverOutageFigures, { pods: PODS, awaySeconds, startedSeconds, renewedSeconds, requests });
  });
});
