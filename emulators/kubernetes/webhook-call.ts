// One AdmissionReview over TLS, verified against caBundle, or against the host's roots if caBundle is empty, with Go's
// messages for errors. Connections stay open between calls, as those of the API server, until close().

import { randomUUID } from "node:crypto";
import { Agent, request } from "node:https";
import { isIP } from "node:net";
import { text } from "node:stream/consumers";
import type { Clock } from "../../src/runtime/clock.ts";
import { parseJson } from "../../src/runtime/json-object.ts";
import { quote } from "./status.ts";
import type { Webhook } from "./webhooks.ts";

/** The `response` of an AdmissionReview (admission.k8s.io/v1). */
export interface WebhookResponse {
  readonly allowed: boolean;
  /** A JSON patch in base64. */
  readonly patch?: string;
  readonly patchType?: string;
  readonly warnings?: readonly string[];
  readonly auditAnnotations?: Readonly<Record<string, string>>;
  readonly status?: { readonly code?: number; readonly reason?: string; readonly message?: string };
}

/** The webhook gave no valid response; failurePolicy decides. The message follows "failed calling webhook". */
export class WebhookFailure extends Error {
  override readonly name = "WebhookFailure";
}

/** Calls webhooks and keeps their connections. */
export interface WebhookCaller {
  /** Sets the uid of `review.request` and calls the webhook. Throws WebhookFailure. */
  call(webhook: Webhook, review: Readonly<Record<string, unknown>>): Promise<WebhookResponse>;
  close(): void;
}

/** How webhooks are called. */
export interface WebhookCallerOptions {
  /** Address of a `clientConfig.service`: "podrole/podrole-webhook" → "127.0.0.1:9443". */
  readonly services: ReadonlyMap<string, string>;
  /** The client certificate to present to webhooks, as kubeConfigFile in an AdmissionConfiguration sets it. */
  readonly client?: WebhookClient | undefined;
}

/** A certificate and its key (PEM). */
export interface WebhookClient {
  readonly certificatePem: string;
  readonly keyPem: string;
}

const DEFAULT_WEBHOOK_TIMEOUT_SECONDS = 10;

/** Creates a caller without connections. */
export function createWebhookCaller(
  { clock }: { readonly clock: Clock },
  { services, client }: WebhookCallerOptions,
): WebhookCaller {
  const agent = new Agent({ keepAlive: true, ...(client && { cert: client.certificatePem, key: client.keyPem }) });

  async function post(webhook: Webhook, body: string): Promise<string> {
    const timeoutSeconds = webhook.timeoutSeconds ?? DEFAULT_WEBHOOK_TIMEOUT_SECONDS;
    const { url, servername } = webhookAddress(webhook, services);
    const ca = rootsOf(webhook);
    url.searchParams.set("timeout", `${timeoutSeconds}s`);
    const controller = new AbortController();
    const cancel = clock.schedule(() => controller.abort(), timeoutSeconds * 1000);
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const outgoing = request(url, {
      method: "POST",
      agent,
      servername,
      headers: {
        "content-type": "application/json",
        accept: "application/json",
        "user-agent": "kube-apiserver-admission",
      },
      signal: controller.signal,
      ...(ca !== undefined && { ca }),
    });
    outgoing.on("error", reject);
    outgoing.on("response", (response) => {
      text(response).then((said) => {
        if (response.statusCode === 200) resolve(said);
        else
          reject(
            new WebhookFailure(`an error on the server (${quote(said)}) has prevented the request from succeeding`),
          );
      }, reject);
    });
    outgoing.end(body);
    try {
      return await promise;
    } catch (error) {
      if (error instanceof WebhookFailure) throw error;
      const why = controller.signal.aborted ? "context deadline exceeded" : inGoWords(error, url);
      throw new WebhookFailure(`Post ${quote(url.href)}: ${why}`);
    } finally {
      cancel();
    }
  }

  return {
    async call(webhook, review) {
      const uid = randomUUID();
      const request = { uid, ...(review["request"] as object) };
      let said: string;
      try {
        said = await post(webhook, JSON.stringify({ ...review, request }));
      } catch (error) {
        throw new WebhookFailure(`failed to call webhook: ${(error as Error).message}`);
      }
      return verifyReply(said, uid);
    },
    close: () => agent.destroy(),
  };
}

/** Undefined: the roots of this host. */
function rootsOf({ clientConfig: { caBundle = "" } }: Webhook): string | undefined {
  if (caBundle === "") return undefined;
  const pem = Buffer.from(caBundle, "base64").toString();
  if (pem.includes("-----BEGIN CERTIFICATE-----")) return pem;
  throw new WebhookFailure("unable to load root certificates: unable to parse bytes as PEM block");
}

/** A service's certificate must be valid for its DNS name, whatever its address. */
function webhookAddress({ clientConfig: { url, service } }: Webhook, services: ReadonlyMap<string, string>) {
  if (url !== undefined) {
    const parsed = new URL(url);
    const host = parsed.hostname.replace(/^\[|\]$/g, "");
    return { url: parsed, servername: isIP(host) === 0 ? host : "" };
  }
  const { namespace = "", name = "", path = "/" } = service ?? {};
  const address = services.get(`${namespace}/${name}`);
  if (address === undefined) throw new WebhookFailure(`service ${quote(name)} not found`);
  return { url: new URL(path, `https://${address}`), servername: `${name}.${namespace}.svc` };
}

/** Throws WebhookFailure for responses that the API server does not accept (v1 rules). */
function verifyReply(said: string, uid: string): WebhookResponse {
  const review = parseReply(said);
  const refuse = (why: string) => new WebhookFailure(`received invalid webhook response: ${why}`);
  if (review.apiVersion !== "admission.k8s.io/v1" || review.kind !== "AdmissionReview") {
    const got = `apiVersion=${review.apiVersion ?? ""}, Kind=${review.kind ?? ""}`;
    throw refuse(`expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got ${got}`);
  }
  const { response } = review;
  if (response === undefined) throw refuse("webhook response was absent");
  if (response.uid !== uid) throw refuse(`expected response.uid=${quote(uid)}, got ${quote(response.uid ?? "")}`);
  const { patch = "", patchType = "" } = response;
  if (patch !== "" && patchType !== "JSONPatch")
    throw refuse(`webhook returned response.patch but not response.patchType`);
  if (patch === "" && patchType !== "") throw refuse("webhook returned response.patchType but not response.patch");
  return response;
}

interface AdmissionReply {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly response?: WebhookResponse & { readonly uid?: string };
}

function parseReply(said: string): AdmissionReply {
  const parsed = parseJson(said);
  if (typeof parsed === "object" && parsed !== null) return parsed;
  throw new WebhookFailure("failed to call webhook: the response is no JSON object");
}

function inGoWords(error: unknown, { hostname, host }: URL): string {
  const { code = "", message, cert } = error as NodeJS.ErrnoException & { cert?: { subjectaltname?: string } };
  const names = Array.from((cert?.subjectaltname ?? "").matchAll(/DNS:([^,]+)/g), ([, name]) => name).join(", ");
  const messages: Readonly<Record<string, string>> = {
    ECONNREFUSED: `dial tcp ${host}: connect: connection refused`,
    ENOTFOUND: `dial tcp: lookup ${hostname}: no such host`,
    ECONNRESET: "EOF",
    CERT_HAS_EXPIRED: "tls: failed to verify certificate: x509: certificate has expired or is not yet valid",
    CERT_NOT_YET_VALID: "tls: failed to verify certificate: x509: certificate has expired or is not yet valid",
    ERR_TLS_CERT_ALTNAME_INVALID: `tls: failed to verify certificate: x509: certificate is valid for ${names}, not ${hostname}`,
  };
  const untrusted = /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_SIGNATURE)/.test(code);
  if (untrusted) return "tls: failed to verify certificate: x509: certificate signed by unknown authority";
  return messages[code] ?? message;
}
