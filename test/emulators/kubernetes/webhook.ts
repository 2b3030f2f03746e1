// A mutating webhook for tests: real HTTPS, with a CA that the configuration names.
import { createPublicKey } from "node:crypto";
import { createServer } from "node:https";
import { text } from "node:stream/consumers";
import type { TestContext } from "node:test";
import type { KubeObject } from "../../../emulators/kubernetes/objects.ts";
import { createAuthority, issueCertificate } from "../../../src/pki/certificate.ts";
import { generateKeyPem } from "../../../src/pki/keys.ts";
import { HOUR_MS } from "../../../src/runtime/clock.ts";
import { listenOnLoopback } from "../../loopback.ts";

export interface ReviewRequest {
  readonly uid: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly operation: string;
  readonly dryRun: boolean;
  readonly userInfo: { readonly username: string };
  readonly object: KubeObject & { readonly spec: Record<string, unknown> };
}

/** The webhook's reply: a `response` without uid, a whole body, or none at all. */
export type Decide = (
  request: ReviewRequest,
) => Record<string, unknown> | { readonly raw: string; readonly status?: number } | undefined;

export interface TestWebhook {
  readonly seen: ReviewRequest[];
  readonly address: string;
  /** In the form of a MutatingWebhookConfiguration. */
  readonly fields: { readonly clientConfig: { readonly url: string; readonly caBundle: string } };
}

export async function startTestWebhook(test: TestContext, decide: Decide): Promise<TestWebhook> {
  const now = Date.now();
  const authority = createAuthority({ commonName: "webhook test", now, lifetimeMs: HOUR_MS });
  const key = generateKeyPem();
  const subject = { kind: "serving", dnsNames: ["hook.shop.svc"], ipAddresses: ["127.0.0.1"] } as const;
  const publicKey = createPublicKey(key.reveal());
  const { pem } = issueCertificate({ authority, publicKey, subject, now, lifetimeMs: HOUR_MS });
  const seen: ReviewRequest[] = [];
  const server = createServer({ cert: pem, key: key.reveal() }, (request, response) => {
    void text(request).then((said) => {
      const review = JSON.parse(said) as { request: ReviewRequest };
      seen.push(review.request);
      const decided = decide(review.request);
      if (decided === undefined) return;
      if ("raw" in decided) return void response.writeHead((decided["status"] as number) ?? 200).end(decided["raw"]);
      const answer = { ...review, response: { uid: review.request.uid, allowed: true, ...decided } };
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
    });
  });
  const address = `127.0.0.1:${await listenOnLoopback(test, server)}`;
  const caBundle = Buffer.from(authority.certificatePem).toString("base64");
  return { seen, address, fields: { clientConfig: { url: `https://${address}/mutate`, caBundle } } };
}

/** A response that applies these operations. */
export function patchResponse(...operations: readonly object[]): Record<string, unknown> {
  return { patchType: "JSONPatch", patch: Buffer.from(JSON.stringify(operations)).toString("base64") };
}

/** A webhook's fields in addition to the common ones. */
export interface WebhookFields {
  readonly clientConfig: object;
  readonly [field: string]: unknown;
}

export function configurationOf(name: string, ...webhooks: readonly WebhookFields[]) {
  return {
    metadata: { name },
    webhooks: webhooks.map((webhook, index) =>
      Object.assign(
        {
          name: `w${index}.${name}.io`,
          rules: [{ operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] }],
          sideEffects: "None",
          admissionReviewVersions: ["v1"],
        },
        webhook,
      ),
    ),
  };
}
