// The table of unusual requests in docs/pod-certificates.md: each row happens on an emulated API server, and explain
// says of the pod what the page says.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { until } from "../../../emulators/until.ts";
import type { Pod, PodCertificateRequest } from "../../../src/kubernetes/objects.ts";
import { certificateRequestOf, describeLastRequest } from "../../../src/operations/explain/certificate-request.ts";
import { createAuthority } from "../../../src/pki/certificate.ts";
import { MINUTE_MS } from "../../../src/runtime/clock.ts";
import { createAndRead } from "../../kubernetes/harness.ts";
import { EXPLAINED_CASES } from "./explained-cases.ts";
import { createPod, createRequest, emptyCsr, NODE, readRequest, type SpecChange } from "./requests.ts";
import { answerTo, RIGHTS, type Stage, setUpSigner } from "./stage.ts";

/** What has happened to a request in the end. */
type Outcome = (context: TestContext) => Promise<PodCertificateRequest>;

/** The answer to a request of an injected pod that differs in `change`. */
function answered(change: SpecChange): Outcome {
  return async (context) => {
    const stage = await setUpSigner(context);
    await stage.start();
    return answerTo(stage, await createPod(stage.emulator, "web"), change);
  };
}

/** The answer to a request of a pod that is not an ordinary injected one. */
function answeredFor(createOther: (stage: Stage) => Promise<Pod>): Outcome {
  return async (context) => {
    const stage = await setUpSigner(context);
    const pod = await createOther(stage);
    await stage.start();
    return answerTo(stage, pod);
  };
}

/** A request that the signer has tried to answer, and could not. */
async function tried(stage: Stage, code: string, start = () => stage.start()): Promise<PodCertificateRequest> {
  const request = await createRequest(stage.emulator, await createPod(stage.emulator, "web"));
  const { results } = await start();
  await until(() => results.some((result) => result === code), `a try that ended with ${code}`);
  return readRequest(stage.emulator, request);
}

async function barePodOnNode({ emulator }: Stage): Promise<Pod> {
  const spec = { nodeName: NODE, containers: [{ name: "app", image: "app:1" }] };
  return createAndRead<Pod>(emulator, "/api/v1/namespaces/team/pods", { metadata: { name: "bare" }, spec });
}

async function finishedPod({ emulator }: Stage): Promise<Pod> {
  const pod = await createPod(emulator, "web");
  emulator.store.replace("pods", { ...pod, status: { phase: "Succeeded" } });
  return pod;
}

const OUTCOMES: Readonly<Record<string, Outcome>> = {
  "the server is away": async (context) => {
    const { emulator } = await setUpSigner(context);
    return createRequest(emulator, await createPod(emulator, "web"));
  },
  "two replicas answer the same request": async (context) => {
    const stage = await setUpSigner(context);
    const [one, other] = [await stage.start(), await stage.start()];
    const request = await answerTo(stage, await createPod(stage.emulator, "web"));
    await until(() => one.results.length + other.results.length >= 2, "both have looked");
    assert.equal(stage.audit.length, 1, "one answer, one audit line");
    return request;
  },
  "the pod lacks podrole's parts": answeredFor(barePodOnNode),
  "the pod has finished": answeredFor(finishedPod),
  "the request has another pod's uid": answered({ podUID: "00000000-0000-4000-8000-000000000000" }),
  "the request names another node": answered({ nodeName: "node-2" }),
  "the volume has `userAnnotations`": answered({ unverifiedUserAnnotations: { "example.com/team": "x" } }),
  "the key is Ed25519": answered({ stubPKCS10Request: emptyCsr("ED25519").csr }),
  "the key is RSA": answered({ stubPKCS10Request: emptyCsr("RSA3072").csr }),
  "the volume limits the lifetime to an hour": answered({ maxExpirationSeconds: 3_600 }),
  "the CA expires in less than an hour": async (context) => {
    const stage = await setUpSigner(context);
    const ending = createAuthority({ commonName: "CA", now: stage.clock.now(), lifetimeMs: 30 * MINUTE_MS });
    return tried(stage, "AUTHORITY_UNAVAILABLE", () => stage.start({}, () => ending));
  },
  "the API server's clock is 5 minutes ahead of the server's": async (context) => {
    const stage = await setUpSigner(context);
    return tried(stage, "AUTHORITY_UNAVAILABLE", () => stage.startAhead(-5 * MINUTE_MS));
  },
  "the server's clock is 8 minutes ahead of the API server's": async (context) => {
    const stage = await setUpSigner(context);
    return tried(stage, "KUBERNETES_UNAVAILABLE", () => stage.startAhead(8 * MINUTE_MS));
  },
  "the server lacks a right": async (context) => {
    const stage = await setUpSigner(
      context,
      RIGHTS.filter(({ resources }) => !resources.includes("podcertificaterequests/status")),
    );
    return tried(stage, "KUBERNETES_UNAVAILABLE");
  },
};

/** Requests that hold back no pod, because no pod waits for them: explain of a pod does not look at them. */
const OF_NO_WAITING_POD: ReadonlySet<string> = new Set([
  "the pod has finished",
  "the request has another pod's uid",
  "the request names another node",
]);

/** With the words of the page for what differs from run to run. */
function asOnPage(what: string, { metadata, status }: PodCertificateRequest, text: string | undefined): string {
  const [condition] = status?.conditions ?? [];
  if (OF_NO_WAITING_POD.has(what)) return `nothing; the request is denied: ${condition?.reason}: ${condition?.message}`;
  if (text === undefined) return "nothing: the certificate was issued";
  return text.replace(metadata.name ?? "", "NAME").replace(metadata.creationTimestamp ?? "", "TIME");
}

for (const [what, outcome] of Object.entries(OUTCOMES)) {
  test(`describeLastRequest() says what docs/pod-certificates.md says when ${what}`, async (context) => {
    const request = await outcome(context);
    const said = describeLastRequest({ value: certificateRequestOf(request) }, NODE);
    assert.equal(asOnPage(what, request, said), EXPLAINED_CASES.get(what));
  });
}

test("describeLastRequest() has these cases in the table of docs/pod-certificates.md, and no other", () => {
  assert.deepEqual([...EXPLAINED_CASES.keys()], Object.keys(OUTCOMES));
});
