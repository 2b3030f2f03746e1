// The signer against an emulated API server, over real sockets: what it writes, when it does not, and who waits.
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { until } from "../../../emulators/until.ts";
import type { ListWatch } from "../../../src/kubernetes/api.ts";
import type { PodCertificateRequest } from "../../../src/kubernetes/objects.ts";
import { podIdentityOf } from "../../../src/pki/identity.ts";
import { PodroleError } from "../../../src/protocol/errors.ts";
import { HOUR_MS, MINUTE_MS } from "../../../src/runtime/clock.ts";
import { POD_RATE } from "../../../src/server/signer/signing-rates.ts";
import { startSigner } from "../../../src/server/signer/start-signer.ts";
import { createAdvancingClock } from "../../fakes/clock.ts";
import { createKeptLog } from "../../fakes/log.ts";
import { newAuthority } from "../../pki/samples.ts";
import { createPod, createRequest } from "./requests.ts";
import { answerTo, conditionsOf, RIGHTS, setUpSigner } from "./stage.ts";

test("startSigner() reads a denied pod once for all its requests, one at a time, with one audit line", async (context) => {
  const stage = await setUpSigner(context);
  const pod = await createPod(stage.emulator, "web");
  const change = { nodeName: "another" };
  const requests = await Promise.all(Array.from({ length: 8 }, () => createRequest(stage.emulator, pod, change)));
  let [reads, inWork, most] = [0, 0, 0];
  const { store } = stage.emulator;
  const { results, denials } = await stage.start({
    getPod(namespace, name) {
      reads += 1;
      return Promise.resolve(store.find("pods", namespace, name) as never);
    },
    async getPodCertificateRequest(namespace, name) {
      inWork += 1;
      most = Math.max(most, inWork);
      await new Promise((resolve) => setImmediate(resolve));
      inWork -= 1;
      return store.find("podcertificaterequests", namespace, name) as never;
    },
  });
  const isDenied = (request: PodCertificateRequest) => conditionsOf(stage, request)[0]?.type === "Denied";
  await until(() => requests.every(isDenied), "all are denied");
  await until(() => results.filter((result) => result === "POD_UNKNOWN").length === 8, "all are counted");
  assert.deepEqual([reads, most, stage.audit.length], [1, 1, 1]);
  stage.clock.advance(MINUTE_MS);
  denials.sweep();
  assert.deepEqual(stage.audit[1]?.["omitted"], 6, "the number of the others is written without another request");
});

test("startSigner() issues the certificate that the credentials port accepts, with its audit line", async (context) => {
  const stage = await setUpSigner(context);
  const { issued, results } = await stage.start();
  const pod = await createPod(stage.emulator, "web");
  const { metadata, status } = await answerTo(stage, pod);
  const certificate = new X509Certificate(status?.certificateChain ?? "");
  const identity = podIdentityOf(certificate.raw, "cluster.local");
  assert.deepEqual(identity, {
    trustDomain: "cluster.local",
    namespace: "team",
    serviceAccount: "default",
    name: "web",
    uid: pod.metadata.uid,
  });
  assert.equal(status?.conditions?.[0]?.type, "Issued");
  const [from, refresh, to] = [status?.notBefore, status?.beginRefreshAt, status?.notAfter].map((text = "") =>
    Date.parse(text),
  );
  assert.deepEqual([Number(to) - Number(from), Number(refresh) - Number(from)], [HOUR_MS, HOUR_MS / 2]);
  await until(() => issued.length > 0, "the pod's credentials are prefetched");
  assert.deepEqual([issued, results[0]], [["web"], "ISSUED"]);
  const [line] = stage.audit;
  assert.deepEqual(
    [line?.["decision"], line?.["pod"], line?.["podCertificateRequest"], line?.["node"], line?.["serial"]],
    ["issued", "web", metadata.name, "node-1", certificate.serialNumber],
  );
});

test("startSigner() lets the kubelet renew after --pod-certificate-renewal, which the API server accepts from 10m", async (context) => {
  const stage = await setUpSigner(context);
  await stage.start({}, undefined, 10 * MINUTE_MS);
  const { status } = await answerTo(stage, await createPod(stage.emulator, "web"));
  const { notBefore = "", beginRefreshAt = "" } = status ?? {};
  assert.equal(Date.parse(beginRefreshAt) - Date.parse(notBefore), 10 * MINUTE_MS);
});

test("startSigner() answers requests that were made before it started, and those of other signers never", async (context) => {
  const stage = await setUpSigner(context);
  const pod = await createPod(stage.emulator, "web");
  const early = await createRequest(stage.emulator, pod);
  const foreign = await createRequest(stage.emulator, pod, { signerName: "example.com/pod" });
  await stage.start();
  await until(() => conditionsOf(stage, early).length > 0, "the early request has an answer");
  assert.equal((await answerTo(stage, pod)).status?.conditions?.[0]?.type, "Issued");
  assert.deepEqual(conditionsOf(stage, foreign), []);
});

test("startSigner() denies with a reason and an audit line, and the denial is final", async (context) => {
  const stage = await setUpSigner(context);
  const { issued } = await stage.start();
  const pod = await createPod(stage.emulator, "web");
  const { status } = await answerTo(stage, pod, { unverifiedUserAnnotations: { "podrole.io/role": "x" } });
  const [condition] = status?.conditions ?? [];
  assert.deepEqual([condition?.type, condition?.reason], ["Denied", "REQUEST_INVALID"]);
  assert.match(condition?.message ?? "", /userAnnotations contain "podrole\.io\/role"/);
  assert.equal(status?.certificateChain, undefined);
  await until(() => stage.audit.length > 0, "the denial has its audit line");
  assert.deepEqual(issued, []);
  assert.deepEqual(
    stage.audit.map(({ decision, reason, pod }) => [decision, reason, pod]),
    [["refused", "REQUEST_INVALID", "web"]],
  );
});

test("startSigner() has every request of a storm answered once, by two replicas together", async (context) => {
  const stage = await setUpSigner(context);
  const replicas = [await stage.start(), await stage.start()];
  const pods = await Promise.all(Array.from({ length: 100 }, (_, index) => createPod(stage.emulator, `web-${index}`)));
  const requests = await Promise.all(pods.map((pod) => createRequest(stage.emulator, pod)));
  const types = () => requests.map((request) => conditionsOf(stage, request)[0]?.type);
  await until(() => types().every((type) => type === "Issued"), "all have a certificate", { timeoutMs: 60_000 });
  await until(() => stage.audit.length >= 100, "every answer has its audit line");
  assert.equal(stage.audit.length, 100, "no request has two answers");
  const issued = replicas.map(({ results }) => results.filter((result) => result === "ISSUED").length);
  assert.equal((issued[0] ?? 0) + (issued[1] ?? 0), 100);
  await until(() => replicas.every(({ signer }) => signer.backlog().waiting === 0), "nothing waits");
});

test("startSigner() tries again after a failed write, with a log line, and forgets a request that is deleted", async (context) => {
  const stage = await setUpSigner(context);
  let isBroken = true;
  const failures: string[] = [];
  const { signer, results } = await stage.start({
    async getPodCertificateRequest(namespace, name) {
      if (!isBroken) return stage.emulator.store.find("podcertificaterequests", namespace, name) as never;
      failures.push(name);
      throw new PodroleError("KUBERNETES_UNAVAILABLE", "Cannot get: broken");
    },
  });
  const pod = await createPod(stage.emulator, "web");
  const request = await createRequest(stage.emulator, pod);
  const doomed = await createRequest(stage.emulator, pod);
  await until(() => results.length >= 2, "both have failed once");
  assert.equal(signer.backlog().waiting, 2);
  assert.ok(stage.lines.some(({ code }) => code === "KUBERNETES_UNAVAILABLE"));
  stage.emulator.store.remove("podcertificaterequests", "team", doomed.metadata.name ?? "");
  await until(() => signer.backlog().waiting === 1, "the deleted one is forgotten");
  isBroken = false;
  stage.clock.advance(40_000);
  await until(() => conditionsOf(stage, request).length > 0, "it is tried again");
  assert.equal(signer.backlog().oldestMs >= 0, true);
});

for (const [what, right] of [
  ["write a status", 2],
  ["sign with the signer's name", 3],
] as const) {
  test(`startSigner() leaves requests waiting without the right to ${what}`, async (context) => {
    const stage = await setUpSigner(context, RIGHTS.toSpliced(right, 1));
    const { signer, results } = await stage.start();
    const request = await createRequest(stage.emulator, await createPod(stage.emulator, "web"));
    await until(() => results.length > 0, "it was tried");
    assert.equal(results[0], "KUBERNETES_UNAVAILABLE");
    assert.deepEqual([conditionsOf(stage, request), signer.backlog().waiting], [[], 1]);
    assert.deepEqual(stage.audit, []);
  });
}

test("startSigner() waits for a CA that can sign for an hour", async (context) => {
  const stage = await setUpSigner(context);
  let authority = newAuthority(stage.clock.now() - 365 * 24 * HOUR_MS + HOUR_MS / 2);
  const { results } = await stage.start({}, () => authority);
  const request = await createRequest(stage.emulator, await createPod(stage.emulator, "web"));
  await until(() => results.length > 0, "it was tried");
  assert.deepEqual([results[0], conditionsOf(stage, request)], ["AUTHORITY_UNAVAILABLE", []]);
  authority = newAuthority(stage.clock.now());
  stage.clock.advance(40_000);
  await until(() => conditionsOf(stage, request).length > 0, "the new CA signs");
});

test("startSigner() answers another node's request while a pod has 30 000, of which it knows a few", async (context) => {
  const request = (nodeName: string, name: string) =>
    ({
      metadata: { namespace: "team", name, uid: `uid-${name}`, resourceVersion: "1" },
      spec: {
        signerName: "podrole.io/pod",
        nodeName,
        podName: "web",
        podUID: "uid-web",
        serviceAccountName: "default",
      },
    }) as PodCertificateRequest;
  const flood = Array.from({ length: 30_000 }, (_, index) => request("node-1", `flood-${index}`));
  const source: ListWatch<PodCertificateRequest> = {
    name: "podcertificaterequests",
    list: () => Promise.resolve({ items: [...flood, request("node-2", "honest")], resourceVersion: "1" }),
    async *watch({ signal }) {
      yield { type: "OPENED" } as const;
      await new Promise((resolve) => signal?.addEventListener("abort", resolve));
    },
  };
  const names: string[] = [];
  const signer = startSigner({
    clock: createAdvancingClock(),
    log: createKeptLog().log,
    kubernetes: { source: () => source as never },
    onResult() {},
    earlier: { add() {}, end() {} },
    sign({ name }) {
      names.push(name);
      return Promise.resolve({ result: "ISSUED" });
    },
  });
  context.after(() => signer.stop());
  await until(() => names.includes("honest"), "the other node's request was tried");
  assert.ok(names.length <= 20, `${names.length} attempts`);
  assert.ok(signer.backlog().waiting <= 9, `${signer.backlog().waiting} known`);
});

test("startSigner() lets a pod that requests more certificates than its rate permits wait, and its neighbours not", async (context) => {
  const stage = await setUpSigner(context);
  const { results, signer } = await stage.start();
  const greedy = await createPod(stage.emulator, "greedy");
  const requests = await Promise.all(Array.from({ length: 15 }, () => createRequest(stage.emulator, greedy)));
  const answered = () => requests.filter((request) => conditionsOf(stage, request).length > 0).length;
  await until(() => results.includes("SERVER_OVERLOADED"), "the pod waits");
  assert.equal((await answerTo(stage, await createPod(stage.emulator, "web"))).status?.conditions?.[0]?.type, "Issued");
  assert.equal(answered(), POD_RATE.burst);
  assert.ok(signer.backlog().waiting > 0);
  stage.clock.advance(POD_RATE.spacingMs);
  await until(() => answered() > POD_RATE.burst, "its next request is answered a minute later");
  assert.ok(stage.lines.some(({ code }) => code === "SERVER_OVERLOADED"));
});
