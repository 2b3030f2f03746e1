// Attacks of one namespace with many pods, each of which makes one call at a time: no pod has more than its share, and
// together they have more than a port serves at once. They need no node: their author may request their tokens.
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createCsr } from "../../../src/pki/csr.ts";
import { generateKeyPem } from "../../../src/pki/keys.ts";
import { GetCredentialsRequest, IssueCertificateRequest } from "../../../src/protocol/generated/podrole/v1/podrole.ts";
import { type AdmittedPod, createLabelledNamespace } from "../../admitted-pod.ts";
import type { AttackingCaller } from "../attacker.ts";
import type { AttackWorld } from "../world.ts";
import { type AttackRow, localAddress } from "./row.ts";

const [PODS, CONTAINERS] = [400, 8];
const NAMESPACE = "crowd";
const CONTAINER_NAMES = Array.from({ length: CONTAINERS }, (_, index) => `c${index}`);

/** The pods of each world: both addresses of a row attack with the same ones. */
const crowds = new WeakMap<AttackWorld, Promise<readonly AdmittedPod[]>>();

/** Each pod has roles of its own, which do not exist, so that the calls to STS do not end. */
async function createCrowd({ programs }: AttackWorld): Promise<readonly AdmittedPod[]> {
  await createLabelledNamespace(programs.cluster.kubernetes, ".*", NAMESPACE);
  const pods: AdmittedPod[] = [];
  for (let index = 0; index < PODS; index++) {
    const roles = Object.fromEntries(CONTAINER_NAMES.map((name) => [name, `crowd-${index}-${name}`]));
    pods.push(await programs.createPod({ namespace: NAMESPACE, name: `crowd-${index}`, roles }));
  }
  return pods;
}

/** Returns a job in which every pod calls `path`, as what `callerOf` returns for it. */
function crowdCalls(
  port: "identity" | "credentials",
  path: string,
  callerOf: (pod: AdmittedPod) => Promise<AttackingCaller>,
): AttackRow["job"] {
  return async (world) => {
    const pods = crowds.get(world) ?? createCrowd(world);
    crowds.set(world, pods);
    const callers: AttackingCaller[] = [];
    for (const pod of await pods) callers.push(await callerOf(pod));
    const file = join(mkdtempSync(join(world.directory, "crowd-")), "callers.json");
    writeFileSync(file, JSON.stringify(callers));
    const { [port]: number = 0 } = world.programs.cluster.server.ports;
    return { kind: "callers", port: number, localAddress, connections: PODS, path, file, everyMs: 1_000 };
  };
}

/** One CSR for all: the server does not compare keys. */
async function identityCaller({ token }: AdmittedPod): Promise<AttackingCaller> {
  csr ??= createCsr(generateKeyPem(), "web");
  const request = { token: token.reveal(), certificateSigningRequest: csr, bundleHash: "" };
  const message = IssueCertificateRequest.encode({ ...request, containers: CONTAINER_NAMES, holdings: [] }).finish();
  return { message: Buffer.from(message).toString("base64") };
}
let csr: Uint8Array | undefined;

async function credentialsCaller(pod: AdmittedPod): Promise<AttackingCaller> {
  const { privateKey, certificatePem } = await pod.prove();
  const message = GetCredentialsRequest.encode({ containers: CONTAINER_NAMES, bundleHash: "", holdings: [] }).finish();
  const client = { key: privateKey.reveal(), cert: certificatePem };
  return { message: Buffer.from(message).toString("base64"), client };
}

const ATTACKED = {
  under: "server",
  isLongOnly: true,
  ordinary: ["certificate", "credentials", "serverLiveness", "serverReadiness"],
} as const;

export const CROWD_ROWS: readonly AttackRow[] = [
  {
    id: "identity-crowd",
    title: `8443: ${PODS} pods of one namespace, one call of each at a time, for ${CONTAINERS} roles that STS denies`,
    ...ATTACKED,
    job: crowdCalls("identity", "/podrole.v1.Identity/IssueCertificate", identityCaller),
  },
  {
    id: "credentials-crowd",
    title: `8444: ${PODS} pods of one namespace, one call of each at a time, for ${CONTAINERS} roles that STS denies`,
    ...ATTACKED,
    job: crowdCalls("credentials", "/podrole.v1.Credentials/GetCredentials", credentialsCaller),
  },
];
