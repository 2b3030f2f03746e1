// How each caller of the matrix calls the server's two ports, and what it gets.
import { createPublicKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { joinJwt, readJwt, signJwt } from "../../emulators/jwt.ts";
import { type Authority, createAuthority, issueCertificate, type Subject } from "../../src/pki/certificate.ts";
import { createCsr } from "../../src/pki/csr.ts";
import { sequence, taggedBytes } from "../../src/pki/der.ts";
import { certificateFields } from "../../src/pki/extensions.ts";
import { formatSpiffeId, podIdentityOf } from "../../src/pki/identity.ts";
import { generateKeyPem } from "../../src/pki/keys.ts";
import * as oids from "../../src/pki/oids.ts";
import {
  GetCredentialsRequest,
  GetCredentialsResponse,
  IssueCertificateRequest,
  IssueCertificateResponse,
} from "../../src/protocol/generated/podrole/v1/podrole.ts";
import { HOUR_MS } from "../../src/runtime/clock.ts";
import type { Secret } from "../../src/runtime/secret.ts";
import { extension, oddCertificate } from "../pki/samples.ts";
import { type GrpcConnection, type GrpcOutcome, openGrpc } from "../protocol/grpc-call.ts";
import type { CellVerdict } from "./cells.ts";
import type { MatrixPod, PodId } from "./pods.ts";
import type { World } from "./world.ts";

/** Calls the server as one caller about one relation. */
export type Ask = (caller: string, relation: string) => Promise<CellVerdict>;

const CONTAINERS: Readonly<Record<string, string>> = {
  idle: "cron",
  podrole: "podrole-sidecar",
  account: "batch",
  namespace: "web",
  elsewhere: "ledger",
};
const TARGETS: Readonly<Record<string, PodId>> = { account: "batch", namespace: "web", elsewhere: "ledger" };

const verdictOf = (outcome: Exclude<GrpcOutcome, { kind: "message" }>): CellVerdict =>
  outcome.kind === "disconnected" ? "TLS" : (outcome.code as CellVerdict);

/** The callers of IssueCertificate. */
export function createAskCertificate(world: World): Ask {
  const { pods, webhookPod, ports } = world;
  const path = "/podrole.v1.Identity/IssueCertificate";

  async function tokenOf(caller: string): Promise<string> {
    const { orders } = pods;
    switch (caller) {
      case "pod":
        return orders.token;
      case "node":
        return world.requestOtherToken(orders, {});
      case "webhook":
        return webhookPod.token;
      case "nothing":
        return "";
      case "garbage":
        return "not.a.token";
      case "unsigned":
        return joinJwt({ alg: "none" }, readJwt(orders.token)?.claims, "");
      case "forged":
        return forge(orders.token);
      case "audience":
        return world.requestOtherToken(orders, { audiences: ["sts.amazonaws.com"] });
      case "expired":
        return world.requestOtherToken(orders, {}, HOUR_MS);
      case "unbound":
        return world.requestOtherToken(orders, { boundObjectRef: undefined });
      case "kubelet":
        return world.bearerOf("system:node:node-1");
      case "user":
        return world.bearerOf("alice@example.com");
      default:
        return pods[caller as PodId].token;
    }
  }

  return async (caller, relation) => {
    const self = caller === "webhook" ? webhookPod : (pods[caller as PodId] ?? pods.orders);
    const target = relation === "webhook" ? webhookPod : relation === "own" ? self : pods[TARGETS[relation] as PodId];
    const key = generateKeyPem();
    const token = await tokenOf(caller);
    const message = IssueCertificateRequest.encode({
      token,
      certificateSigningRequest: createCsr(key, uriOf(target)),
      bundleHash: "",
      containers: ["app"],
      holdings: [],
    }).finish();
    const connection = openGrpc({ port: ports.identity, ca: world.bundlePem });
    const outcome = await connection.call(path, message);
    connection.close();
    if (outcome.kind !== "message") return verdictOf(outcome);
    const { certificate } = IssueCertificateResponse.decode(outcome.message);
    const leaf = new X509Certificate(certificate);
    const identity = podIdentityOf(leaf.raw, "cluster.local");
    const isWebhook = leaf.checkHost("podrole-webhook.podrole.svc") !== undefined;
    const isOf = ({ uid }: MatrixPod) => "uid" in identity && identity.uid === uid;
    if (relation === "webhook" ? isWebhook : isOf(target)) return "yes";
    return isOf(self) || (isWebhook && caller === "webhook") ? "own" : "INTERNAL";
  };
}

/** A token with the same claims, signed with another key. */
/** Returns a token with the same claims that a key of nobody signed. */
export function forge(token: string): string {
  const { header, claims = {} } = readJwt(token) ?? {};
  return signJwt(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey, claims, header);
}

const uriOf = ({ source: { namespace, account }, name, uid }: MatrixPod): string =>
  formatSpiffeId({ trustDomain: "cluster.local", namespace, serviceAccount: account, name, uid });

interface Identity {
  readonly key: Secret;
  readonly cert: string;
}

/** The callers of GetCredentials. `outlive()` is for those whose certificates end on an open connection. */
export function createAskCredentials(world: World, port = world.ports.credentials) {
  const { pods, cas, previousCa } = world;
  const path = "/podrole.v1.Credentials/GetCredentials";
  const open = new Map<string, GrpcConnection>();

  function leafOf(authority: Authority, subject: Subject, now = Date.now(), lifetimeMs = HOUR_MS): Identity {
    const key = generateKeyPem();
    const publicKey = createPublicKey(key.reveal());
    return { key, cert: issueCertificate({ authority, publicKey, subject, now, lifetimeMs }).pem };
  }

  const certificateOf = (pod: MatrixPod, authority = cas.current.authority, changes: object = {}): Identity => {
    const { namespace, account } = pod.source;
    const identity = { trustDomain: "cluster.local", namespace, serviceAccount: account, name: pod.name, uid: pod.uid };
    return leafOf(authority, { kind: "pod", uri: formatSpiffeId({ ...identity, ...changes }) });
  };

  /** A leaf of podrole's CA that issueCertificate() would not issue. */
  function oddLeaf(names: readonly string[], notBefore: number, notAfter: number): Identity {
    const key = generateKeyPem();
    const alternatives = sequence(...names.map((name) => taggedBytes(6, Buffer.from(name))));
    const purposes = extension(oids.SUBJECT_ALT_NAME, alternatives);
    const { authority } = cas.current;
    const name = certificateFields(new X509Certificate(authority.certificatePem).raw)[5] ?? sequence();
    const issuer = { name, key: authority.key };
    return { key, cert: oddCertificate({ key, issuer, extensions: [purposes], notBefore, notAfter }) };
  }

  function identityOf(caller: string): Identity | undefined {
    const { orders } = pods;
    const now = Date.now();
    const serving: Subject = { kind: "serving", dnsNames: ["podrole-webhook.podrole.svc"], ipAddresses: [] };
    const otherCa = (commonName: string) => createAuthority({ commonName, now, lifetimeMs: HOUR_MS });
    switch (caller) {
      case "pod":
        return certificateOf(orders);
      case "previous":
        return certificateOf(orders, previousCa);
      case "retired":
        return certificateOf(orders, previousCa);
      case "next":
        return certificateOf(orders, cas.next?.authority);
      case "nothing":
        return undefined;
      case "selfSigned": {
        const key = generateKeyPem();
        const names = extension(oids.SUBJECT_ALT_NAME, sequence(taggedBytes(6, Buffer.from(uriOf(orders)))));
        return {
          key,
          cert: oddCertificate({ key, extensions: [names], notBefore: now - HOUR_MS, notAfter: now + HOUR_MS }),
        };
      }
      case "otherCa":
        return certificateOf(orders, otherCa("other CA"));
      case "sameName":
        return certificateOf(orders, otherCa("podrole CA current"));
      case "expired":
        return leafOf(cas.current.authority, { kind: "pod", uri: uriOf(orders) }, now - 2 * HOUR_MS);
      case "early":
        return leafOf(cas.current.authority, { kind: "pod", uri: uriOf(orders) }, now + HOUR_MS);
      case "webhook":
        return leafOf(cas.current.authority, serving);
      case "server":
        return leafOf(cas.current.authority, { ...serving, dnsNames: ["podrole-server.podrole.svc"] });
      case "ca":
        return { key: cas.current.authority.key, cert: cas.current.authority.certificatePem };
      case "domain":
        return certificateOf(orders, undefined, { trustDomain: "other.local" });
      case "twoNames":
        return oddLeaf([uriOf(orders), uriOf(pods.web)], now - HOUR_MS, now + HOUR_MS);
      case "account":
        return certificateOf(orders, undefined, { serviceAccount: "web" });
      case "uid":
        return certificateOf(orders, undefined, { uid: pods.web.uid });
      default:
        return certificateOf(pods[caller as PodId]);
    }
  }

  function connect(identity: Identity | undefined, session?: Buffer): GrpcConnection {
    return openGrpc({
      port,
      ca: world.bundlePem,
      ...(identity && { key: identity.key.reveal(), cert: identity.cert }),
      ...(session && { session }),
    });
  }

  async function get(connection: GrpcConnection, container: string): Promise<GrpcOutcome> {
    return connection.call(
      path,
      GetCredentialsRequest.encode({ containers: [container], bundleHash: "", holdings: [] }).finish(),
    );
  }

  const ask: Ask = async (caller, relation) => {
    const self = pods[caller as PodId] ?? pods.orders;
    const [own = "", idle] = [true, false].map(
      (hasRole) => Object.entries(self.source.containers).find(([, role]) => (role !== undefined) === hasRole)?.[0],
    );
    const container =
      relation === "own" ? own : ((relation === "idle" ? idle : undefined) ?? CONTAINERS[relation] ?? "");
    const kept = open.get(caller);
    const connection = kept ?? connect(identityOf(caller));
    const outcome = await get(connection, container);
    if (!kept) connection.close();
    if (outcome.kind !== "message") return verdictOf(outcome);
    const [grant] = GetCredentialsResponse.decode(outcome.message).grants;
    if (grant?.result?.$case !== "credentials") return (grant?.result?.refusal.code ?? "INTERNAL") as CellVerdict;
    const { accessKeyId, roleArn } = grant.result.credentials;
    const session = world.sessionOf(accessKeyId);
    const role = Object.values(pods)
      .flatMap(({ source }) => Object.entries(source.containers))
      .find(([name]) => name === container)?.[1];
    const isRole = session?.roleArn === roleArn && roleArn.endsWith(`:role/${role}`);
    return isRole && session?.sessionName === `${self.source.namespace}.${self.name}` ? "yes" : "own";
  };

  return {
    ask,
    /**
     * Opens the connections of the callers whose certificates expire, or whose CA is retired, while they are open, then
     * lets `end` happen.
     */
    async outlive(end: () => Promise<void>): Promise<void> {
      const uri = uriOf(pods.orders);
      const expiring = leafOf(cas.current.authority, { kind: "pod", uri }, Date.now(), 55_000);
      const first = connect(expiring);
      open.set("expiredOpen", connect(expiring));
      open.set("retiredOpen", connect(certificateOf(pods.orders, previousCa)));
      await Promise.all([...open.values(), first].map((connection) => get(connection, "app")));
      await end();
      open.set("expiredResumed", connect(expiring, first.session()));
      first.close();
    },
    close() {
      for (const connection of open.values()) connection.close();
    },
  };
}
