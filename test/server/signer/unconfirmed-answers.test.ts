// Answers whose response is lost, and certificates of servers that have ended: which audit lines are written.
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { until } from "../../../emulators/until.ts";
import type { Kubernetes } from "../../../src/kubernetes/api.ts";
import { ApiError } from "../../../src/kubernetes/errors.ts";
import type { PodCertificateRequest } from "../../../src/kubernetes/objects.ts";
import { createPod, createRequest, readRequest } from "./requests.ts";
import { answerTo, conditionsOf, type Stage, setUpSigner } from "./stage.ts";

/** A client whose PATCH is stored, or not, and whose response is lost. */
async function withLostResponse(stage: Stage, isStored: boolean): Promise<Partial<Kubernetes>> {
  const client = await stage.connect();
  let isLost = true;
  return {
    async answerPodCertificateRequest(request, status) {
      if (!isLost) return client.answerPodCertificateRequest(request, status);
      isLost = false;
      if (isStored) await client.answerPodCertificateRequest(request, status);
      throw new ApiError(0, "Timeout", "Cannot patch: no response");
    },
  };
}

const evidenceOf = ({ audit }: Stage) => audit.map(({ decision, evidence }) => [decision, evidence]);
const serialOf = ({ status }: PodCertificateRequest) =>
  new X509Certificate(status?.certificateChain ?? "").serialNumber;

test("startSigner() records a certificate whose answer was stored and whose response was lost", async (context) => {
  const stage = await setUpSigner(context);
  const { unconfirmed, issued, results } = await stage.start(await withLostResponse(stage, true));
  const request = await answerTo(stage, await createPod(stage.emulator, "web"));
  await until(() => results.length > 0, "the attempt has failed");
  assert.deepEqual(stage.audit, []);
  stage.clock.advance(2_000);
  await unconfirmed.pass();
  assert.deepEqual(evidenceOf(stage), [["issued", "status"]]);
  assert.deepEqual([stage.audit[0]?.["serial"], issued], [serialOf(request), ["web"]]);
  unconfirmed.end();
  assert.equal(stage.audit.length, 1, "the line is written once");
});

test("startSigner() records a denial whose response was lost", async (context) => {
  const stage = await setUpSigner(context);
  const { unconfirmed, results } = await stage.start(await withLostResponse(stage, true));
  await answerTo(stage, await createPod(stage.emulator, "web"), { unverifiedUserAnnotations: { "a/b": "x" } });
  await until(() => results.length > 0, "the attempt has failed");
  stage.clock.advance(2_000);
  await unconfirmed.pass();
  assert.deepEqual(evidenceOf(stage), [["refused", undefined]]);
});

test("startSigner() records no certificate that was not stored, only the one of the next attempt", async (context) => {
  const stage = await setUpSigner(context);
  const { unconfirmed, results } = await stage.start(await withLostResponse(stage, false));
  const request = await createRequest(stage.emulator, await createPod(stage.emulator, "web"));
  await until(() => results.length > 0, "the first attempt has failed");
  await unconfirmed.pass();
  stage.clock.advance(40_000);
  await until(() => stage.audit.length > 0, "the second attempt is recorded");
  await unconfirmed.pass();
  unconfirmed.end();
  assert.deepEqual(evidenceOf(stage), [["issued", undefined]]);
  assert.equal(stage.audit[0]?.["serial"], serialOf(readRequest(stage.emulator, request)));
});

for (const [what, end] of [
  [
    "the request is gone",
    (stage: Stage, name: string) => stage.emulator.store.remove("podcertificaterequests", "team", name),
  ],
  ["the server ends", () => {}],
] as const) {
  test(`startSigner() records a certificate as signed if ${what} before its answer is confirmed`, async (context) => {
    const stage = await setUpSigner(context);
    const { unconfirmed, issued, results } = await stage.start(await withLostResponse(stage, true));
    const { metadata } = await answerTo(stage, await createPod(stage.emulator, "web"));
    await until(() => results.length > 0, "the attempt has failed");
    end(stage, metadata.name ?? "");
    stage.clock.advance(2_000);
    if (what === "the request is gone") await unconfirmed.pass();
    unconfirmed.end();
    assert.deepEqual([evidenceOf(stage), issued], [[["issued", "signed"]], []]);
  });
}

test("startSigner() signs nothing more while it cannot remember another unconfirmed answer", async (context) => {
  const stage = await setUpSigner(context);
  const { unconfirmed, results } = await stage.start();
  const place = { namespace: "team", name: "none", uid: "none" };
  const records: string[] = [];
  while (!unconfirmed.isFull()) unconfirmed.add({ place, status: {}, record: (evidence) => records.push(evidence) });
  const request = await createRequest(stage.emulator, await createPod(stage.emulator, "web"));
  await until(() => results.length > 0, "it was tried");
  assert.deepEqual([results[0], conditionsOf(stage, request)], ["KUBERNETES_UNAVAILABLE", []]);
  unconfirmed.end();
  assert.deepEqual([records.length, records[0]], [1_000, "signed"]);
  stage.clock.advance(40_000);
  await until(() => conditionsOf(stage, request).length > 0, "it is answered once there is room");
});

test("startSigner() writes a line for each certificate that was issued before it started, and for no denial", async (context) => {
  const stage = await setUpSigner(context);
  // The first server ends before it writes its line.
  const { signer } = await stage.start(await withLostResponse(stage, true));
  const pod = await createPod(stage.emulator, "web");
  const issued = await answerTo(stage, pod);
  await answerTo(stage, pod, { nodeName: "another" });
  await signer.stop();
  stage.audit.length = 0;
  await stage.start();
  await until(() => stage.audit.length > 0, "the line of the first server's certificate");
  assert.deepEqual(evidenceOf(stage), [["issued", "status"]]);
  const [{ serial, pod: name, podCertificateRequest } = {}] = stage.audit;
  assert.deepEqual([serial, name, podCertificateRequest], [serialOf(issued), "web", issued.metadata.name]);
  await answerTo(stage, pod);
  await until(() => stage.audit.length > 1, "the line of its own certificate");
  assert.deepEqual(evidenceOf(stage).at(-1), ["issued", undefined]);
});
