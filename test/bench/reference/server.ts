// CPU of podrole's server for each certificate and for each answer with cached credentials, beside a bare grpc-js
// server that answers the same calls, over new connections without session tickets.
import { join } from "node:path";
import { startProgram } from "../../../emulators/start-program.ts";
import { createCsr } from "../../../src/pki/csr.ts";
import { generateKeyPem } from "../../../src/pki/keys.ts";
import {
  type ClientIdentity,
  getCredentials,
  requestCertificate,
  type ServerEndpoint,
} from "../../../src/protocol/client.ts";
import { GetCredentialsResponse } from "../../../src/protocol/generated/podrole/v1/podrole.ts";
import type { Secret } from "../../../src/runtime/secret.ts";
import { cpuMs } from "../sidecar/process.ts";
import { BARE_NAME, createBareCa } from "./bare-files.ts";
import { BARE_RUNTIME, type Bench } from "./bench.ts";
import type { Pair, RowSamples } from "./results.ts";

const CALLS = 200;
const CALLERS = 4;
const DEADLINE_MS = 20_000;
const REQUEST = { containers: ["app"], bundleHash: "" };

/** A server under load, and what a caller needs. */
interface Target {
  readonly pid: number;
  readonly identityPort: ServerEndpoint;
  readonly credentialsPort: ServerEndpoint;
  readonly identity: ClientIdentity;
  readonly token: Secret;
}

/** Measures both kinds of calls. */
export async function compareServer({ programs, directory, rounds, progress }: Bench): Promise<readonly RowSamples[]> {
  const pod = await programs.createPod({ name: "reference", roles: { app: "shop-orders" } });
  const { identityPort, credentialsPort, token } = pod;
  const own = { pid: programs.cluster.server.pid, identityPort, credentialsPort, identity: await pod.prove(), token };
  const answer = await getCredentials(credentialsPort, own.identity, REQUEST, DEADLINE_MS);
  const ca = createBareCa();
  const file = join(directory, "bare-grpc.json");
  ca.write(file, [Buffer.from(GetCredentialsResponse.encode(answer).finish()).toString("base64")]);
  const program = await startProgram(BARE_RUNTIME, "bare", [join(import.meta.dirname, "bare-grpc.ts"), file], {});
  const endpoint = (name: string): ServerEndpoint => ({
    address: `127.0.0.1:${program.ports[name]}`,
    serverName: BARE_NAME,
    bundlePem: ca.bundlePem,
  });
  const bare: Target = {
    pid: program.pid,
    identityPort: endpoint("identity"),
    credentialsPort: endpoint("credentials"),
    identity: ca.certify({ kind: "pod", uri: "spiffe://cluster.local/ns/shop/sa/default/pod/reference" }),
    token,
  };
  const [certificates, credentials]: [Pair[], Pair[]] = [[], []];
  for (let round = 0; round <= rounds; round++) {
    progress(`server, round ${round} of ${rounds}`);
    const certificate = { reference: await cpuOf(bare, certify), podrole: await cpuOf(own, certify) };
    const cached = { reference: await cpuOf(bare, fetchCached), podrole: await cpuOf(own, fetchCached) };
    if (round === 0) continue;
    certificates.push(certificate);
    credentials.push(cached);
  }
  await program.stop();
  return [
    {
      what: "server: CPU of cached credentials over a new mTLS connection",
      reference: "bare grpc-js over mTLS with the same answer",
      unit: "ms",
      ratio: "reference ÷ podrole",
      target: { of: "ratio", atLeast: 0.9 },
      pairs: credentials,
    },
    {
      what: "server: CPU of a certificate, TokenReview answered at once",
      reference: "bare grpc-js call that signs with the same library",
      unit: "ms",
      ratio: "podrole ÷ reference",
      target: { of: "ratio", atMost: 1.3 },
      pairs: certificates,
    },
  ];
}

async function certify({ identityPort, token }: Target): Promise<void> {
  const csr = createCsr(generateKeyPem(), "reference");
  await requestCertificate(identityPort, { token, csr, bundleHash: "" }, DEADLINE_MS);
}

async function fetchCached({ credentialsPort, identity }: Target): Promise<void> {
  const { grants } = await getCredentials(credentialsPort, identity, REQUEST, DEADLINE_MS);
  if (grants[0]?.result?.$case !== "credentials") throw new RangeError("the server returned no credentials");
}

/** Resolves with the CPU milliseconds of one call in the server's process. */
async function cpuOf(target: Target, call: (target: Target) => Promise<void>): Promise<number> {
  const before = await cpuMs(target.pid);
  let started = 0;
  const caller = async () => {
    while (started++ < CALLS) await call(target);
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  return ((await cpuMs(target.pid)) - before) / CALLS;
}
