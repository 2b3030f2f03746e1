// The signer against an emulated API server, over real sockets, for tests.
import type { TestContext } from "node:test";
import { until } from "../../../emulators/until.ts";
import type { Kubernetes } from "../../../src/kubernetes/api.ts";
import type { Pod, PodCertificateRequest } from "../../../src/kubernetes/objects.ts";
import type { Authority } from "../../../src/pki/certificate.ts";
import { type Clock, HOUR_MS } from "../../../src/runtime/clock.ts";
import { knownPodOf } from "../../../src/server/issue/known-pod.ts";
import { createRepeatSampler } from "../../../src/server/issue/repeat-sampler.ts";
import { createEarlierCertificates } from "../../../src/server/signer/earlier-certificates.ts";
import { createRequestSigner, type SigningResult } from "../../../src/server/signer/sign-request.ts";
import { startSigner } from "../../../src/server/signer/start-signer.ts";
import { createUnconfirmedAnswers } from "../../../src/server/signer/unconfirmed-answers.ts";
import { createAdvancingClock } from "../../fakes/clock.ts";
import { createKeptLog } from "../../fakes/log.ts";
import { createAndRead, startCluster } from "../../kubernetes/harness.ts";
import { newAuthority } from "../../pki/samples.ts";
import { createRequest, readRequest, type SpecChange } from "./requests.ts";

const SIGNER_USER = "system:serviceaccount:podrole:podrole-server";
/** The rights of the signer, as manifests/components/pod-certificates grants them. */
export const RIGHTS = [
  { apiGroups: [""], resources: ["pods"], verbs: ["get"] },
  { apiGroups: ["certificates.k8s.io"], resources: ["podcertificaterequests"], verbs: ["get", "list", "watch"] },
  { apiGroups: ["certificates.k8s.io"], resources: ["podcertificaterequests/status"], verbs: ["patch"] },
  { apiGroups: ["certificates.k8s.io"], resources: ["signers"], resourceNames: ["podrole.io/pod"], verbs: ["sign"] },
];

interface ReplicaOptions {
  /** Replaces calls of its client. */
  readonly change: Partial<Kubernetes>;
  readonly sign: () => Authority;
  readonly renewalMs?: number | undefined;
}

/** Starts the API server; `start` of the result starts a replica. */
export async function setUpSigner(context: TestContext, rights = RIGHTS) {
  const clock = createAdvancingClock();
  const { emulator, connect } = await startCluster(context, { clock });
  await createAndRead(emulator, "/api/v1/namespaces", { metadata: { name: "team" } });
  emulator.restrict(SIGNER_USER, rights);
  const audit: Readonly<Record<string, unknown>>[] = [];
  const { log, lines } = createKeptLog();
  const authority = newAuthority(clock.now());

  /** Starts one replica. `change` replaces calls of its client. */
  const start = (change: Partial<Kubernetes> = {}, sign = () => authority, renewalMs?: number) =>
    startReplica(clock, { change, sign, renewalMs });

  /** Starts one replica whose clock is ahead of the API server's, or behind by a negative number. */
  const startAhead = (ms: number) =>
    startReplica({ ...clock, now: () => clock.now() + ms }, { change: {}, sign: () => authority });

  async function startReplica(own: Clock, { change, sign, renewalMs }: ReplicaOptions) {
    const connected = await connect(SIGNER_USER);
    const kubernetes: Kubernetes = { ...connected, ...change };
    const unconfirmed = createUnconfirmedAnswers({ clock: own, log, kubernetes });
    const write = (line: object) => audit.push({ ...line });
    const results: SigningResult["result"][] = [];
    const issued: string[] = [];
    const denials = createRepeatSampler({ clock: own });
    const signer = startSigner({
      clock: own,
      log,
      kubernetes,
      onResult: (result) => results.push(result),
      earlier: createEarlierCertificates({ audit: write }, { trustDomain: "cluster.local" }),
      sign: createRequestSigner(
        {
          clock: own,
          audit: write,
          kubernetes,
          cachedPod: () => undefined,
          async readPod(namespace, name) {
            const pod = await kubernetes.getPod(namespace, name);
            return pod && knownPodOf(pod, { sessionTagLabels: [] });
          },
          authority: sign,
          denials,
          unconfirmed,
          onIssued: ({ name }) => issued.push(name),
        },
        { trustDomain: "cluster.local", certificateTtlMs: HOUR_MS, renewalMs },
      ),
    });
    context.after(() => signer.stop());
    return { signer, results, issued, denials, unconfirmed };
  }

  return { clock, emulator, audit, lines, start, startAhead, connect: () => connect(SIGNER_USER) };
}

/** An API server with what its replicas wrote. */
export type Stage = Awaited<ReturnType<typeof setUpSigner>>;

/** Returns the conditions of the request as it is now. */
export const conditionsOf = ({ emulator }: Stage, request: PodCertificateRequest) =>
  readRequest(emulator, request).status?.conditions ?? [];

/** Creates a request for the pod, and returns it once it has an answer. */
export async function answerTo(stage: Stage, pod: Pod, change?: SpecChange): Promise<PodCertificateRequest> {
  const request = await createRequest(stage.emulator, pod, change);
  await until(() => conditionsOf(stage, request).length > 0, "the request has an answer");
  return readRequest(stage.emulator, request);
}
