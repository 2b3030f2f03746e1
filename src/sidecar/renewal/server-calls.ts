// The two calls to podrole's server: a certificate for the pod's proof, usually with credentials in the same answer,
// and credentials for the certificate. Reads the proof token and creates the key; the token is sent to the server only,
// and the key stays in the identity directory. The serving process never loads this module.
import { bundleHash } from "../../pki/bundle.ts";
import { createCsr } from "../../pki/csr.ts";
import { generateKeyPem } from "../../pki/keys.ts";
import { getCredentials, requestCertificate, type ServerEndpoint } from "../../protocol/client.ts";
import { toErrorCode } from "../../protocol/errors.ts";
import type { Grant, Holding, RoleCredentials } from "../../protocol/generated/podrole/v1/podrole.ts";
import { readProof } from "../../protocol/proof.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { Secret } from "../../runtime/secret.ts";
import { type Address, formatAddress } from "../../runtime/settings.ts";
import { readGrants } from "../files/grants-file.ts";
import { type Identity, readTrust, toIdentity, writeBundle, writeIdentity } from "../files/identity-files.ts";
import { readPodBundle } from "../files/pod-certificate.ts";
import type { GrantResult } from "../grants.ts";
import type { SidecarSettings } from "../settings.ts";
import { holdingsOf } from "./holdings.ts";

/** What the calls of one renewal share. */
export interface CallContext {
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: SidecarSettings;
  /** When the renewal must have ended, in milliseconds of `Clock.elapsedMs()`. */
  readonly endsAt: number;
  /** Resolves when the renewal may write to the identity directory. */
  readonly mayStore: Promise<void>;
}

/** The server allows STS 10 s. */
const SERVER_CALL_DEADLINE_MS = 15_000;

/** A new identity. `results`: for all containers, in their order; absent if the server has not sent them with it. */
export interface NewIdentity {
  readonly identity: Identity;
  readonly results?: readonly GrantResult[];
}

/**
 * Proves the pod with its current token and a new key, and stores the identity and the bundle that it receives. The
 * first certificate and every later one are requested alike. Throws PodroleError: PROOF_REJECTED without a token, and
 * the errors of `requestCertificate`.
 */
export async function requestIdentity(context: CallContext): Promise<NewIdentity> {
  const { settings, clock, log } = context;
  const { identityDirectory, identityAddress, proofFile = "", podName, podNamespace, containers } = settings;
  const token = await readProof(proofFile, `pod "${podNamespace}/${podName}"`);
  const trust = await currentTrust(settings);
  const privateKey = generateKeyPem();
  // The server ignores names in a request; this one helps a reader. X.520 limits it to 64 characters.
  const csr = createCsr(privateKey, `${podNamespace}/${podName}`.slice(0, 64));
  const calledAt = clock.now();
  const { certificate, bundle, grants } = await requestCertificate(
    serverEndpoint(identityAddress, settings, trust.bundlePem),
    { token, csr, bundleHash: trust.hash, containers, holdings: holdingsToReport(context) },
    deadlineMs(context),
  );
  const identity = toIdentity(privateKey, certificate, clock.now());
  await context.mayStore;
  await writeIdentity(identityDirectory, identity);
  await writeBundle(identityDirectory, bundle);
  log.debug({ expires: new Date(identity.expiresAtMs).toISOString() }, "received a certificate");
  return grants.length === 0 ? { identity } : { identity, results: toGrantResults(containers, grants, calledAt) };
}

/** Requests credentials for all containers, in their order, and stores the bundle. Throws as `getCredentials` does. */
export async function requestCredentials(context: CallContext, identity: Identity): Promise<readonly GrantResult[]> {
  const { identityDirectory, serverAddress, trustBundleFile, containers } = context.settings;
  const trust = await currentTrust(context.settings);
  const calledAt = context.clock.now();
  const { grants, bundle } = await getCredentials(
    serverEndpoint(serverAddress, context.settings, trust.bundlePem),
    identity,
    { containers, bundleHash: trust.hash, holdings: holdingsToReport(context) },
    deadlineMs(context),
  );
  await context.mayStore;
  if (trustBundleFile === undefined) await writeBundle(identityDirectory, bundle);
  return toGrantResults(containers, grants, calledAt);
}

/** The kubelet keeps a bundle in a file current; the one in the pod's spec is completed by what the server sends. */
async function currentTrust({ trustBundleFile, trustBundle = "", identityDirectory }: SidecarSettings) {
  if (trustBundleFile === undefined) return readTrust(identityDirectory, trustBundle);
  const bundlePem = await readPodBundle(trustBundleFile);
  return { bundlePem, hash: bundleHash(bundlePem) };
}

/** The server only shows them, so a file that cannot be read is no reason to fail. */
function holdingsToReport({ clock, settings: { identityDirectory } }: CallContext): readonly Holding[] {
  try {
    return holdingsOf(readGrants(identityDirectory), clock.now());
  } catch {
    return [];
  }
}

/** `calledAt`: Unix milliseconds by this node's clock. */
function toGrantResults(
  containers: readonly string[],
  grants: readonly Grant[],
  calledAt: number,
): readonly GrantResult[] {
  return containers.map((container) =>
    toGrantResult(
      container,
      grants.find((grant) => grant.container === container),
      calledAt,
    ),
  );
}

function toGrantResult(container: string, grant: Grant | undefined, calledAt: number): GrantResult {
  const { result } = grant ?? {};
  if (result?.$case === "refusal") {
    const { code, message, retryAfterMs } = result.refusal;
    return { container, refusal: { code: toErrorCode(code), message, retryAfterMs } };
  }
  const credentials = result?.credentials;
  if (!credentials?.accessKeyId || !credentials.secretAccessKey || !credentials.sessionToken) {
    const state = "it has neither credentials nor a refusal; expected one of them";
    const message = `Cannot use the server's answer for container "${container}": ${state}`;
    return { container, refusal: { code: "INTERNAL", message, retryAfterMs: 0 } };
  }
  const { remainingMs, issuedAtMs, expiresAtMs, ...rest } = credentials;
  return {
    container,
    credentials: {
      ...rest,
      secretAccessKey: new Secret(credentials.secretAccessKey),
      sessionToken: new Secret(credentials.sessionToken),
      ...timesOnThisNode({ remainingMs, issuedAtMs, expiresAtMs }, calledAt),
    },
  };
}

/**
 * Expresses the session's lifetime by this node's clock, whatever the server's clock and that of STS show: the app
 * compares the expiry with this node's clock, too. A server of an earlier version sends times alone.
 */
function timesOnThisNode(
  { remainingMs, issuedAtMs, expiresAtMs }: Pick<RoleCredentials, "remainingMs" | "issuedAtMs" | "expiresAtMs">,
  calledAt: number,
): { readonly issuedAtMs: number; readonly expiresAtMs: number } {
  if (remainingMs <= 0) return { issuedAtMs, expiresAtMs };
  const expiry = calledAt + remainingMs;
  return { issuedAtMs: expiry - (expiresAtMs - issuedAtMs), expiresAtMs: expiry };
}

function deadlineMs({ clock, endsAt }: CallContext): number {
  return Math.max(1, Math.min(SERVER_CALL_DEADLINE_MS, endsAt - clock.elapsedMs()));
}

function serverEndpoint(address: Address, { serverName }: SidecarSettings, bundlePem: string): ServerEndpoint {
  return {
    address: formatAddress(address),
    serverName: serverName ?? address.host,
    bundlePem,
  };
}
