// How each caller of the matrix calls the state port, and what it gets.
import { createPublicKey } from "node:crypto";
import { request } from "node:https";
import { text } from "node:stream/consumers";
import { joinJwt, readJwt } from "../../emulators/jwt.ts";
import { issueCertificate } from "../../src/pki/certificate.ts";
import { generateKeyPem } from "../../src/pki/keys.ts";
import { decodeStatePage } from "../../src/protocol/state/decode.ts";
import { STATE_PATH, STATE_TOKEN_HEADER } from "../../src/protocol/state/model.ts";
import { HOUR_MS } from "../../src/runtime/clock.ts";

import { type Ask, forge } from "./ask-server.ts";
import type { CellVerdict } from "./cells.ts";
import type { PodId } from "./pods.ts";
import type { World } from "./world.ts";

const AUDIENCE = "podrole.io";

/** The callers of the state port. */
export function createAskState(world: World): Ask {
  const { pods, webhookPod, ports, cas } = world;
  const readerToken = (audience = AUDIENCE, agoMs = 0) =>
    world.requestReaderToken("podrole", "podrole-reader", audience, agoMs);

  async function tokenOf(caller: string): Promise<string> {
    switch (caller) {
      case "reader":
      case "authorization":
        return readerToken();
      case "namespaceReader":
        return world.requestReaderToken("shop", "podrole-reader", AUDIENCE);
      case "otherBinding":
        return world.requestReaderToken("shop", "misbound", AUDIENCE);
      case "pod":
        return pods.orders.token;
      case "webhook":
        return webhookPod.token;
      case "nothing":
      case "certificate":
        return "";
      case "garbage":
        return "not.a.token";
      case "unsigned":
        return joinJwt({ alg: "none" }, readJwt(await readerToken())?.claims, "");
      case "forged":
        return forge(await readerToken());
      case "audience":
        return readerToken("https://kubernetes.default.svc.cluster.local");
      case "expired":
        return readerToken(AUDIENCE, HOUR_MS);
      case "kubelet":
        return world.bearerOf("system:node:node-1");
      case "user":
        return world.bearerOf("kubernetes-admin");
      default:
        return pods[caller as PodId].token;
    }
  }

  function clientOfPod() {
    const key = generateKeyPem();
    const { namespace, account } = pods.orders.source;
    const uri = `spiffe://cluster.local/ns/${namespace}/sa/${account}/pod/${pods.orders.name}/${pods.orders.uid}`;
    const publicKey = createPublicKey(key.reveal());
    const issued = issueCertificate({
      authority: cas.current.authority,
      publicKey,
      subject: { kind: "pod", uri },
      now: Date.now(),
      lifetimeMs: HOUR_MS,
    });
    return { key: key.reveal(), cert: issued.pem };
  }

  return async (caller, relation) => {
    const token = await tokenOf(caller);
    const headers =
      caller === "authorization"
        ? { authorization: `Bearer ${token}` }
        : { ...(token && { [STATE_TOKEN_HEADER]: token }) };
    const query = relation === "cluster" ? "" : `?namespace=${relation}`;
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const sent = request(
      {
        ...{ host: "127.0.0.1", port: ports.state, path: `${STATE_PATH}${query}`, headers, agent: false },
        ...{ ca: world.bundlePem, servername: "podrole-server.podrole.svc" },
        ...(caller === "certificate" && clientOfPod()),
      },
      (response) => void text(response).then(resolve, reject),
    );
    sent.on("error", reject).end();
    return verdictOfAnswer(await promise, relation, pods.orders.token);
  };
}

function verdictOfAnswer(answer: string, relation: string, secret: string): CellVerdict {
  const { code, pods, refusals } = JSON.parse(answer) as Readonly<Record<string, unknown>>;
  if (typeof code === "string" && pods === undefined && refusals === undefined) return code as CellVerdict;
  const decoded = decodeStatePage(answer);
  if (!decoded.ok || answer.includes(secret)) return "INTERNAL";
  const { page } = decoded.value;
  const namespaces = new Set([...page.pods, ...(page.refusals?.rows ?? [])].map(({ namespace }) => namespace));
  if (relation === "cluster") return namespaces.size > 1 && page.trust !== undefined ? "yes" : "own";
  const isAlone = [...namespaces].every((namespace) => namespace === relation);
  return isAlone && namespaces.size === 1 && page.trust === undefined && page.sts === undefined ? "yes" : "own";
}
