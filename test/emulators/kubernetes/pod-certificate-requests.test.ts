// What the emulated API server refuses of PodCertificateRequests and of signers' answers, as the real one does.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Pod, PodCertificateRequest, PodCertificateStatus } from "../../../src/kubernetes/objects.ts";
import { issueCertificate } from "../../../src/pki/certificate.ts";
import { systemClock as clock, formatSeconds, HOUR_MS, MINUTE_MS } from "../../../src/runtime/clock.ts";
import { newAuthority, POD_SUBJECT } from "../../pki/samples.ts";
import {
  createPod,
  createRequest,
  emptyCsr,
  NODE,
  readRequest,
  requestFor,
  requestsPath,
} from "../../server/signer/requests.ts";
import { startApi } from "./harness.ts";

async function setUp(context: TestContext) {
  const api = await startApi(context);
  await api.call("POST", "/api/v1/namespaces", { metadata: { name: "team" } });
  return { ...api, pod: await createPod(api.emulator, "web") };
}

type Stage = Awaited<ReturnType<typeof setUp>>;

const post = ({ call }: Stage, body: object, username?: string) =>
  call("POST", requestsPath(), body, username === undefined ? {} : { username });

test("createKubernetesEmulator(): a request gets the default lifetime and no status of its author's", async (context) => {
  const stage = await setUp(context);
  const { code, body } = await post(stage, { ...requestFor(stage.pod), status: { certificateChain: "x" } });
  const { spec, status } = body as unknown as PodCertificateRequest;
  assert.deepEqual([code, spec.maxExpirationSeconds, status], [201, 86_400, undefined]);
});

const WRONG_REQUESTS = [
  { change: { maxExpirationSeconds: 3_599 }, message: /must be in the range \[3600, 7862400\]/ },
  { change: { maxExpirationSeconds: 7_862_401 }, message: /must be in the range/ },
  { change: { podUID: "" }, message: /spec\.podUID/ },
  { change: { stubPKCS10Request: "MAA=" }, message: /must be a valid PKCS#10 CSR/ },
];

for (const { change, message } of WRONG_REQUESTS) {
  test(`createKubernetesEmulator(): a request with ${JSON.stringify(change)} is refused with 422`, async (context) => {
    const stage = await setUp(context);
    const { code, body } = await post(stage, requestFor(stage.pod, change));
    assert.equal(code, 422);
    assert.match(String(body.message), message);
  });
}

const withVolume = ({ spec }: Pod) => ({
  ...spec,
  volumes: [
    ...(spec.volumes ?? []),
    { name: "certificate", projected: { sources: [{ podCertificate: { signerName: "podrole.io/pod" } }] } },
  ],
});

test("createKubernetesEmulator(): a node may make a request for its own pod alone, and only if the pod mounts such a certificate", async (context) => {
  const stage = await setUp(context);
  const node = `system:node:${NODE}`;
  const codeFor = async (change = {}, username = node) =>
    (await post(stage, requestFor(stage.pod, change), username)).code;
  assert.equal(await codeFor(), 403, "the pod has no podCertificate volume");
  const stored = stage.emulator.store.get("pods", "team", "web");
  stage.emulator.store.replace("pods", { ...stored, spec: withVolume(stored as unknown as Pod) });
  assert.equal(await codeFor(), 201);
  assert.equal(await codeFor({}, "system:node:node-2"), 403, "another node's name");
  assert.equal(await codeFor({ nodeName: "node-2" }, "system:node:node-2"), 403, "a pod of another node");
  assert.equal(await codeFor({ podUID: "other" }), 403);
  assert.equal(await codeFor({ serviceAccountName: "admin" }), 403);
});

const AUTHORITY = newAuthority(clock.now());

/** A valid answer, except for `wrong`. */
function answerOf(
  publicKey: ReturnType<typeof emptyCsr>["publicKey"],
  {
    backdateMs = 0,
    validityMs = HOUR_MS,
    ...wrong
  }: PodCertificateStatus & { backdateMs?: number; validityMs?: number },
): PodCertificateStatus {
  const now = clock.now();
  const lifetimeMs = validityMs - backdateMs;
  const issued = issueCertificate({
    authority: AUTHORITY,
    publicKey,
    subject: POD_SUBJECT,
    now,
    lifetimeMs,
    backdateMs,
  });
  return {
    conditions: [
      { type: "Issued", status: "True", reason: "Issued", message: "", lastTransitionTime: formatSeconds(now) },
    ],
    certificateChain: issued.pem,
    notBefore: formatSeconds(issued.notBefore),
    beginRefreshAt: formatSeconds(issued.notBefore + 30 * MINUTE_MS),
    notAfter: formatSeconds(issued.notAfter),
    ...wrong,
  };
}

const CONDITION = { status: "True", reason: "R", message: "", lastTransitionTime: "2026-11-29T00:00:00Z" } as const;
const WRONG_ANSWERS = [
  {
    what: "a certificate that is valid for less than an hour",
    wrong: { validityMs: HOUR_MS - 1_000 },
    message: />= 1 hour/,
  },
  {
    what: "a longer validity than requested",
    wrong: { validityMs: 25 * HOUR_MS },
    message: /<= spec\.maxExpirationSeconds/,
  },
  { what: "a start that is 6 minutes ago", wrong: { backdateMs: 6 * MINUTE_MS }, message: /within 5 minutes/ },
  { what: "a refresh within 10 minutes", wrong: { beginRefreshAt: formatSeconds(clock.now()) }, message: /10 minutes/ },
  { what: "another end than the certificate's", wrong: { notAfter: formatSeconds(clock.now()) }, message: /NotAfter/ },
  { what: "no certificate", wrong: { certificateChain: "" }, message: /at least one certificate/ },
  { what: "an unknown condition", wrong: { conditions: [{ ...CONDITION, type: "Approved" }] }, message: /Unsupported/ },
  {
    what: "a denial with a certificate",
    wrong: { conditions: [{ ...CONDITION, type: "Denied" }] },
    message: /must be empty when denying/,
  },
];

const answer = (
  { call }: Stage,
  { metadata }: PodCertificateRequest,
  status: PodCertificateStatus,
  username?: string,
) =>
  call("PATCH", `${requestsPath()}/${metadata.name}/status`, [{ op: "add", path: "/status", value: status }], {
    contentType: "application/json-patch+json",
    ...(username !== undefined && { username }),
  });

for (const { what, wrong, message } of WRONG_ANSWERS) {
  test(`createKubernetesEmulator(): an answer with ${what} is refused with 422`, async (context) => {
    const stage = await setUp(context);
    const { csr, publicKey } = emptyCsr();
    const request = await createRequest(stage.emulator, stage.pod, { stubPKCS10Request: csr });
    const { code, body } = await answer(stage, request, answerOf(publicKey, wrong));
    assert.equal(code, 422);
    assert.match(String(body.message), message);
  });
}

test("createKubernetesEmulator(): the first valid answer counts, needs the right sign, and another key's certificate is refused", async (context) => {
  const stage = await setUp(context);
  const { csr, publicKey } = emptyCsr();
  const request = await createRequest(stage.emulator, stage.pod, { stubPKCS10Request: csr });
  const anotherKey = await answer(stage, request, answerOf(emptyCsr().publicKey, {}));
  assert.match(String(anotherKey.body.message), /not issued to the requested public key/);
  const resources = ["podcertificaterequests/status"];
  stage.emulator.restrict("cashier", [{ apiGroups: ["certificates.k8s.io"], resources, verbs: ["patch"] }]);
  const unsigned = await answer(stage, request, answerOf(publicKey, {}), "cashier");
  assert.match(String(unsigned.body.message), /not permitted to "sign"/);
  assert.equal((await answer(stage, request, answerOf(publicKey, {}))).code, 200);
  const issued = readRequest(stage.emulator, request);
  assert.equal(issued.status?.conditions?.[0]?.type, "Issued");
  const second = await answer(stage, request, { conditions: [{ ...CONDITION, type: "Denied" }] });
  assert.match(String(second.body.message), /immutable after PodCertificateRequest is issued/);
});
