// One renewal: proves the pod if the certificate is missing or past half of its lifetime, and requests credentials for
// all containers, unless they came with the certificate. The first renewal, a later one and a new start after an error
// are the same. Results go into the identity directory, nothing stays in memory, and the serving process never loads
// this module.
import { ERRORS, type ErrorInfo, type PodroleError, toPodroleError, UnreachableError } from "../../protocol/errors.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { readGrants } from "../files/grants-file.ts";
import { type Identity, prepareDirectory, readIdentity, writeGrants } from "../files/identity-files.ts";
import { readPodCertificate } from "../files/pod-certificate.ts";
import { applyGrantResult, type GrantResult, type Grants } from "../grants.ts";
import type { SidecarSettings } from "../settings.ts";
import { encodeRenewal, failedRenewal, isPermanent, type Renewal } from "./outcome.ts";
import { type CallContext, type NewIdentity, requestCredentials, requestIdentity } from "./server-calls.ts";

/** What a renewal talks to. */
export interface RenewDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Returns a number from 0 to 1; Math.random by default. */
  readonly random?: () => number;
  /** An early renewal (early-renewal.ts) stores nothing before this resolves; absent: it may store at once. */
  readonly mayStore?: Promise<void>;
}

/** For all calls of a renewal together: serve.ts kills the process after 30 s. */
const RENEWAL_CALLS_DEADLINE_MS = 28_000;

/** Renews once. Never rejects. Afterwards credentials.json holds all usable results, whatever the outcome. */
export async function renew(deps: RenewDeps, settings: SidecarSettings): Promise<Renewal> {
  const mayStore = deps.mayStore ?? Promise.resolve();
  const endsAt = deps.clock.elapsedMs() + RENEWAL_CALLS_DEADLINE_MS;
  const run: RenewalContext = { ...deps, settings, endsAt, mayStore };
  try {
    // The directory of an early renewal is that of a new pod.
    if (deps.mayStore === undefined) await prepareDirectory(deps, settings.identityDirectory);
    const usable = await usableIdentity(run);
    const { results, identity } = await fetchResults(run, usable);
    const grants = await storeResults(run, results, identity);
    return usable.failure ? failedRenewal(usable.failure, usable.failure.retryAfterMs) : summarizeGrants(grants);
  } catch (thrown) {
    const error = toPodroleError(thrown);
    if (error.code === "INTERNAL") deps.log.error({ code: error.code, err: error.cause }, "renewal failed");
    if (!ERRORS[error.code].keep) await revokeAll(run, error);
    return failedRenewal(error, error.retryAfterMs);
  }
}

/** Renews once and writes the outcome as one line for the parent process. Resolves with the exit code. */
export async function runRenew(
  deps: RenewDeps & { readonly writeResult: (line: string) => void },
  settings: SidecarSettings,
): Promise<0> {
  deps.writeResult(`${encodeRenewal(await renew(deps, settings))}\n`);
  return 0;
}

interface RenewalContext extends RenewDeps, CallContext {
  readonly mayStore: Promise<void>;
}

interface UsableIdentity extends NewIdentity {
  /** True if it was issued in this renewal, or if this pod cannot request another one. */
  readonly isFresh: boolean;
  /** Why it was not replaced although that was due. */
  readonly failure?: PodroleError;
}

/**
 * Returns the stored identity until about half of its lifetime, then a new one; if there is no new one, the old one
 * while valid. Certificate and credentials with the same lifetime are thereby renewed together, in one call. With a pod
 * certificate, returns the one that the kubelet has written last.
 */
async function usableIdentity(run: RenewalContext): Promise<UsableIdentity> {
  const now = run.clock.now();
  const { certificateFile } = run.settings;
  if (certificateFile !== undefined) {
    return { identity: await readPodCertificate(certificateFile, now), isFresh: true };
  }
  const stored = await readIdentity(run.settings.identityDirectory);
  // A clock that was set back to before the issue does not show how old the certificate is.
  if (stored && stored.issuedAtMs <= now && now < stored.renewableAtMs) return { identity: stored, isFresh: false };
  try {
    return { ...(await requestIdentity(run)), isFresh: true };
  } catch (thrown) {
    const failure = toPodroleError(thrown);
    if (!stored || now >= stored.expiresAtMs || !ERRORS[failure.code].keep) throw thrown;
    return { identity: stored, isFresh: false, failure };
  }
}

/**
 * Requests credentials if there are none yet; if the server may have rejected the certificate, once more with a new
 * identity.
 */
async function fetchResults(run: RenewalContext, usable: UsableIdentity): Promise<Required<NewIdentity>> {
  const { isFresh, failure } = usable;
  try {
    return await withResults(run, usable);
  } catch (thrown) {
    if (isFresh || failure || !mayBeTheCertificate(toPodroleError(thrown))) throw thrown;
    return withResults(run, await requestIdentity(run));
  }
}

async function withResults(run: RenewalContext, { identity, results }: NewIdentity): Promise<Required<NewIdentity>> {
  return { identity, results: results ?? (await requestCredentials(run, identity)) };
}

/**
 * A server that rejects a certificate closes the connection after the TLS handshake, without a reason: its CA may have
 * been retired just now, so the age of the certificate says nothing. A server that is away or overloaded never gets
 * that far: requests for certificates would only add to its load.
 */
function mayBeTheCertificate(error: PodroleError): boolean {
  return error.code === "CERTIFICATE_REJECTED" || (error instanceof UnreachableError && error.wasDropped);
}

async function storeResults(
  { clock, random = Math.random, settings: { identityDirectory }, mayStore }: RenewalContext,
  results: readonly GrantResult[],
  certificate: Pick<Identity, "renewAtMs" | "expiresAtMs"> | undefined,
): Promise<Grants> {
  await mayStore;
  const previous = readGrants(identityDirectory);
  const now = clock.now();
  const containers = results.map((result) =>
    applyGrantResult(
      previous?.containers.find(({ container }) => container === result.container),
      result,
      now,
      random,
    ),
  );
  const { renewAtMs, expiresAtMs } = certificate ?? { renewAtMs: 0, expiresAtMs: 0 };
  const grants = { containers, certificate: certificate && { renewAtMs, expiresAtMs } };
  await writeGrants(identityDirectory, grants);
  return grants;
}

/**
 * Stores the refusal of the whole pod for every container, so that no credentials are returned, not even after a
 * restart.
 */
async function revokeAll(run: RenewalContext, { code, message }: ErrorInfo): Promise<void> {
  const { containers, identityDirectory } = run.settings;
  const results = containers.map((container) => ({ container, refusal: { code, message, retryAfterMs: 0 } }));
  try {
    await storeResults(run, results, await readIdentity(identityDirectory));
  } catch (error) {
    run.log.error({ err: error }, "cannot store the refusal of the pod");
  }
}

/**
 * One outcome for the whole pod: a retryable refusal takes precedence over a permanent one, because it is retried
 * sooner.
 */
function summarizeGrants({ containers }: Grants): Renewal {
  const refusals = containers.flatMap(({ refusal }) => refusal ?? []);
  const first = refusals.find((refusal) => !isPermanent(refusal)) ?? refusals[0];
  return first === undefined ? { outcome: "renewed" } : { outcome: "refused", ...first };
}
