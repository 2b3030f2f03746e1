// How each caller of the matrix calls the sidecar, the pages and the webhook, and what it gets.
import { createPublicKey } from "node:crypto";
import { request as httpsRequest } from "node:https";
import { networkInterfaces } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { createAuthority, issueCertificate } from "../../src/pki/certificate.ts";
import { formatSpiffeId } from "../../src/pki/identity.ts";
import { generateKeyPem } from "../../src/pki/keys.ts";
import { type RequestOptions, type Response, sendRequest } from "../sidecar/send-request.ts";
import { clientOf } from "../webhook/client-certificates.ts";
import { annotatedPod, reviewOf } from "../webhook/requests.ts";
import type { Ask } from "./ask-server.ts";
import { type CellVerdict, PAGE_PATHS } from "./cells.ts";
import type { PodId } from "./pods.ts";
import type { World } from "./world.ts";

const TOKEN_PATH = "/latest/api/token";
const ROLES = "/latest/meta-data/iam/security-credentials/";

/** Headers of requests that no program of the pod made for the endpoint. */
const ORIGINS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  host: { host: "rebound.example:9763" },
  forwarded: { "x-forwarded-for": "192.0.2.7" },
  forwardedBy: { forwarded: "for=192.0.2.7" },
};

/** An address of this machine that is not loopback: a pod's own address as other pods see it. */
function ownAddress(): string {
  const found = Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.internal === false && one.family === "IPv4");
  // TEST-NET-1 (RFC 5737): a machine without a network has no other address, and nothing answers there either.
  return found?.address ?? "192.0.2.1";
}

/** Sends the request; undefined if nothing listens. */
async function send(port: number, options: RequestOptions): Promise<Response | undefined> {
  try {
    return await sendRequest(port, options);
  } catch (error) {
    if (["ECONNREFUSED", "ENETUNREACH", "EHOSTUNREACH"].includes((error as NodeJS.ErrnoException).code ?? ""))
      return undefined;
    throw error;
  }
}

/** The callers of the credentials endpoint. */
export function createAskEndpoint({ sidecars, pods, sessionOf }: World): Ask {
  const endpoints: Readonly<Record<string, PodId>> = { account: "batch", namespace: "web", elsewhere: "ledger" };

  async function optionsOf(caller: string): Promise<RequestOptions> {
    const token = (await sidecars.get("orders")?.token("app")) ?? "";
    switch (caller) {
      case "container":
        return { token };
      case "earlier":
        return { token: sidecars.get("orders")?.earlierToken("app") ?? "" };
      case "nothing":
        return {};
      case "empty":
        return { token: "" };
      case "bearer":
        return { token: `Bearer ${token}` };
      case "short":
        return { token: token.slice(0, -1) };
      case "long":
        return { token: `${token}A` };
      case "proof":
        return { token: pods.orders.token };
      case "imds":
        return { token: await metadataToken(sidecars.get("metadata")?.port ?? 0) };
      case "podAddress":
        return { token, host: ownAddress() };
      case "host":
      case "forwarded":
      case "forwardedBy":
        return { token, headers: { ...ORIGINS[caller] } };
      default:
        throw new RangeError(caller);
    }
  }

  return async (caller, relation) => {
    const endpoint = sidecars.get(endpoints[relation] ?? "orders");
    const path = relation === "container" ? "/v1/credentials?container=worker" : "/v1/credentials";
    const reply = await send(endpoint?.port ?? 0, { ...(await optionsOf(caller)), path });
    if (reply === undefined) return "unreachable";
    if (reply.status !== 200) return reply.body["code"] as CellVerdict;
    const role = sessionOf(reply.body["AccessKeyId"] ?? "")
      ?.roleArn?.split("/")
      .at(-1);
    const wanted: Readonly<Record<string, string>> = { own: "shop-app", container: "shop-worker" };
    return role === (wanted[relation] ?? "") ? "yes" : role === "shop-app" ? "own" : "INTERNAL";
  };
}

async function metadataToken(port: number, seconds = 60): Promise<string> {
  const headers = { "x-aws-ec2-metadata-token-ttl-seconds": String(seconds) };
  return (await sendRequest(port, { path: TOKEN_PATH, method: "PUT", headers })).text;
}

/** The callers of the metadata paths. */
export function createAskMetadata({ sidecars, sessionOf }: World): Ask {
  const podsOf: Readonly<Record<string, PodId>> = { off: "orders", enabled: "metadata", v1: "metadataV1" };

  async function tokenOf(caller: string, relation: string, port: number): Promise<string | undefined> {
    const other = sidecars.get(relation === "v1" ? "metadata" : "metadataV1")?.port ?? 0;
    switch (caller) {
      case "nothing":
        return undefined;
      case "other":
        return metadataToken(other);
      case "container":
        return sidecars.get("metadata")?.token("meta");
      case "expired": {
        const token = await metadataToken(port, 1);
        await delay(1_100);
        return token;
      }
      case "forged":
        return (await metadataToken(port)).replace(/^./, "z");
      default:
        return metadataToken(port);
    }
  }

  return async (caller, relation) => {
    const port = sidecars.get(podsOf[relation] as PodId)?.port ?? 0;
    const token = await tokenOf(caller, relation, port);
    const headers = {
      ...(token !== undefined && { "x-aws-ec2-metadata-token": relation === "off" ? "any" : token }),
      ...ORIGINS[caller],
    };
    const role = { enabled: "shop-meta", v1: "shop-metav1" }[relation] ?? "shop-app";
    const host = caller === "podAddress" ? { host: ownAddress() } : {};
    const reply = await send(port, { path: `${ROLES}${role}`, headers, ...host });
    if (reply === undefined) return "unreachable";
    if (reply.status !== 200) return reply.body["code"] as CellVerdict;
    const { AccessKeyId } = JSON.parse(reply.text) as { AccessKeyId: string };
    return sessionOf(AccessKeyId)?.roleArn?.endsWith(`:role/${role}`) === true ? "yes" : "INTERNAL";
  };
}

/** The pages. They have no callers: nobody proves anything there. */
export function createAskPages({ ports, sidecars }: World): Ask {
  const paths: Readonly<Record<string, string>> = PAGE_PATHS;
  return async (caller, relation) => {
    const port =
      { server: ports.pages, webhook: ports.webhookPages }[caller] ?? sidecars.get("orders")?.healthPort ?? 0;
    const { status } = await sendRequest(port, { path: paths[relation] ?? "" });
    return status === 200 ? "yes" : (String(status) as CellVerdict);
  };
}

/** The callers of /mutate. */
export function createAskMutate({ cas, bundlePem, ports, pods, closedWebhooks, apiServerCa }: World): Ask {
  function certificateOf(caller: string): { readonly key: string; readonly cert: string } | undefined {
    if (caller === "nothing") return undefined;
    if (caller === "apiServer") return clientOf(apiServerCa, "kube-apiserver");
    if (caller === "otherName") return clientOf(apiServerCa, "kubelet");
    const now = Date.now();
    const authority =
      caller === "pod" ? cas.current.authority : createAuthority({ commonName: "other", now, lifetimeMs: 3_600_000 });
    const { source, name, uid } = pods.orders;
    const names = { namespace: source.namespace, serviceAccount: source.account, name, uid };
    const key = generateKeyPem();
    const { pem } = issueCertificate({
      authority,
      publicKey: createPublicKey(key.reveal()),
      subject: { kind: "pod", uri: formatSpiffeId({ trustDomain: "cluster.local", ...names }) },
      now,
      lifetimeMs: 600_000,
    });
    return { key: key.reveal(), cert: pem };
  }

  return (caller, relation) =>
    new Promise((resolve) => {
      const namespace = relation === "own" ? "shop" : "bank";
      const port = Object.entries(closedWebhooks).find(([id]) => id === relation)?.[1] ?? ports.webhook;
      const pod = annotatedPod({ "iam.amazonaws.com/role": `${namespace}-new` });
      const body = JSON.stringify(
        reviewOf({ ...pod, spec: { ...pod.spec, serviceAccountName: "default" } }, { namespace }),
      );
      const options = { host: "127.0.0.1", port, path: "/mutate", method: "POST", agent: false };
      const headers = { "content-type": "application/json" };
      const call = httpsRequest({ ...options, headers, ca: bundlePem, ...certificateOf(caller) }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () => {
          const { code, response: review } = JSON.parse(text) as {
            code?: CellVerdict;
            response?: { allowed: boolean };
          };
          resolve(
            review ? (review.allowed ? "yes" : "INTERNAL") : (code ?? (String(response.statusCode) as CellVerdict)),
          );
        });
      });
      call.on("error", () => resolve("TLS"));
      call.end(body);
    });
}
