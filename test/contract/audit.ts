// Fields of the audit log and of the webhook's answer, from the use cases that write them.
import { createAuthority } from "../../src/pki/certificate.ts";
import { createCsr } from "../../src/pki/csr.ts";
import { generateKeyPem } from "../../src/pki/keys.ts";
import { refuse } from "../../src/protocol/errors.ts";
import { HOUR_MS } from "../../src/runtime/clock.ts";
import { type Audit, createAudit } from "../../src/runtime/log.ts";
import { Secret } from "../../src/runtime/secret.ts";
import type { SessionCredentials } from "../../src/server/aws/sts.ts";
import { createCertificateIssuer } from "../../src/server/issue/issue-certificate.ts";
import { createCredentialIssuer } from "../../src/server/issue/issue-credentials.ts";
import { knownPodOf } from "../../src/server/issue/known-pod.ts";
import type { PodInContext } from "../../src/server/issue/pod-directory.ts";
import { EVERY_LINE } from "../../src/server/issue/repeat-sampler.ts";
import type { ProvenPod } from "../../src/server/issue/verify-proof.ts";
import { createStateAnswer } from "../../src/server/state/state-answer.ts";
import { createAdmissionHandler } from "../../src/webhook/admit.ts";
import { createPodContextReader } from "../../src/webhook/lookups.ts";
import { formatReview, readAdmissionReview } from "../../src/webhook/review.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { createKeptLog } from "../fakes/log.ts";
import { PLAN_SETTINGS } from "../injection/plan-settings.ts";
import { examplePage } from "../protocol/state/pages.ts";
import { annotatedPod, createFakeCluster, reviewOf } from "../webhook/requests.ts";
import { type Contract, shapeOf } from "./entries.ts";

const clock = createFakeClock();

export async function auditContract(): Promise<Contract> {
  const admissions = recordingAudit("webhook");
  const answers = await admit(admissions.audit);
  const certificates = recordingAudit("server");
  await issueCertificates(certificates.audit);
  const credentials = recordingAudit("server");
  await issueCredentials(credentials.audit);
  return {
    "audit log: admission": shapeOf(admissions.lines()),
    "audit log: certificate": shapeOf(certificates.lines()),
    "audit log: credentials": shapeOf(credentials.lines()),
    "audit log: state": shapeOf((await answerReaders()).lines()),
    "admission review answer": shapeOf(answers),
  };
}

function recordingAudit(program: string): { readonly audit: Audit; readonly lines: () => readonly unknown[] } {
  const lines: string[] = [];
  const write = createAudit({ clock, destination: { write: (line) => void lines.push(line) } }, { program });
  return { audit: write, lines: () => lines.map((line) => JSON.parse(line) as unknown) };
}

/** Reviews an injected pod with a warning, a pod with a name, and a refused pod. */
async function admit(record: Audit): Promise<readonly unknown[]> {
  const { log } = createKeptLog();
  const lookups = createPodContextReader({ clock, cluster: createFakeCluster() }, { timeoutMs: 3_000 });
  const decide = createAdmissionHandler({ clock, log, audit: record, lookups, settings: () => PLAN_SETTINGS });
  const injected = annotatedPod({ "iam.amazonaws.com/role": "shop-a", "podrole.io/misspelt": "x" });
  const named = annotatedPod();
  named.metadata.name = "orders";
  const refused = annotatedPod({ "iam.amazonaws.com/role": "payroll" });
  const answers: unknown[] = [];
  const groups = Array.from({ length: 40 }, (_, index) => `group-${index}`);
  for (const pod of [injected, named, refused]) {
    const read = readAdmissionReview(reviewOf(pod, { userInfo: { username: "alice", groups } }));
    if (read.ok) answers.push(formatReview((await decide(read.value)).response));
  }
  return answers;
}

const POD: ProvenPod = {
  known: knownPodOf(
    { metadata: { name: "web", namespace: "team", uid: "u-1" }, spec: { containers: [{ name: "app" }] } },
    {},
  ),
  namespace: "team",
  name: "web",
  uid: "u-1",
  serviceAccount: "app",
  credentialId: "JTI=1",
};

/** Requests a certificate for a pod and for the webhook, and one that is refused. */
async function issueCertificates(record: Audit): Promise<void> {
  const authority = createAuthority({ commonName: "CA", now: clock.now(), lifetimeMs: 100 * HOUR_MS });
  const webhook = { ...POD, namespace: "podrole", serviceAccount: "podrole-webhook" };
  const refusal = refuse("PROOF_REJECTED", "Cannot accept the token");
  for (const caller of [POD, webhook, refusal]) {
    const issue = createCertificateIssuer(
      {
        clock,
        audit: record,
        verifyProof: async () => caller,
        authority: () => authority,
        prefetch: async () => {},
      },
      {
        trustDomain: "cluster.local",
        lifetimeMs: HOUR_MS,
        webhook: {
          namespace: "podrole",
          serviceAccount: "podrole-webhook",
          dnsNames: ["podrole-webhook.podrole.svc"],
          ipAddresses: [],
        },
      },
    );
    await issue(new Secret("token"), createCsr(generateKeyPem(), "web"), "peer").catch(() => {});
  }
}

const SESSION: SessionCredentials = {
  accessKeyId: "ASIAEXAMPLE",
  secretAccessKey: new Secret("key"),
  sessionToken: new Secret("token"),
  issuedAtMs: 0,
  expiresAtMs: HOUR_MS,
  packedPolicySize: 3,
};

/** Answers a reader of the whole cluster and one of a namespace, and refuses a caller with and one without a name. */
async function answerReaders() {
  const recorded = recordingAudit("server");
  const { refusals, trust, sts } = examplePage("podrole-server-a");
  if (!refusals || !trust || !sts) throw new RangeError("the example is not whole");
  const readers = [
    { username: "system:serviceaccount:podrole:podrole-reader" },
    { username: "system:serviceaccount:shop:default", refusal: refuse("READER_FORBIDDEN", "Cannot show it") },
    { refusal: refuse("PROOF_REJECTED", "Cannot accept the token") },
  ];
  for (const reader of readers) {
    const answer = createStateAnswer(
      {
        clock,
        audit: recorded.audit,
        repeats: EVERY_LINE,
        authorize: async () => reader,
        sources: {
          knownPods: () => [],
          holdingsOf: () => undefined,
          refusals: () => refusals,
          trust: () => trust,
          sts: () => sts,
          account: () => "123456789012",
          problems: () => [],
        },
      },
      { name: "podrole-server-a", version: "0.1.0", startedAt: "2026-01-01T00:00:00.000Z" },
    );
    // The eleventh refusal of a caller without a name is left out, and counted in the first one of the next minute.
    for (let times = 0; times < 11; times++) await answer({ token: new Secret(""), namespace: "shop", peer: "peer" });
    await answer({ token: new Secret(""), peer: "peer" });
    await clock.advance(60_000);
    await answer({ token: new Secret(""), peer: "peer" });
  }
  return recorded;
}

/** Requests credentials for one container that gets them, one that is refused, and two that the pod does not have. */
async function issueCredentials(record: Audit): Promise<void> {
  const identity = { trustDomain: "cluster.local", namespace: "team", serviceAccount: "app", name: "web", uid: "u-1" };
  const { namespace, name, uid, serviceAccount } = identity;
  const annotations = { "iam.amazonaws.com/role.app": "orders", "iam.amazonaws.com/role.job": "payroll" };
  const found: PodInContext = {
    facts: { namespace, name, uid, serviceAccount, annotations, labels: {}, containers: ["app", "job"] },
    inherited: {
      namespaceAnnotations: { "iam.amazonaws.com/permitted": ".*:role/orders" },
      serviceAccountAnnotations: {},
    },
  };
  const issuer = createCredentialIssuer({
    audit: record,
    directory: { find: async () => found, confirm: async () => found },
    cache: {
      get: async () => ({ credentials: SESSION, remainingMs: HOUR_MS, outcome: "miss" }),
      prefetch: async () => {},
    },
    readSessionPolicy: async () => undefined,
    recordRefusal: () => {},
    policy: () => PLAN_SETTINGS.policy,
  });
  await issuer.issue(identity, ["app", "job", "unknown-1", "unknown-2"], "peer");
}
