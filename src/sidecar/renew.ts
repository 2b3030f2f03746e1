// The one function that talks to podrole's server: prove the pod when the certificate is missing or past its half life,
// then fetch credentials for all containers. First time, renewal and starting over are the same. It reads the proof
// token and the key, sends the one and uses the other, and writes what it got into the identity directory; it keeps
// nothing in memory, and the process that serves never loads it.
import { createCsr } from "../pki/csr.ts";
import { generateKeyPem } from "../pki/keys.ts";
import { getCredentials, issueCertificate, type ServerEndpoint } from "../protocol/client.ts";
import { ERRORS, PodroleError, type Refusal, toPodroleError } from "../protocol/errors.ts";
import type { Grant } from "../protocol/generated/podrole/v1/podrole.ts";
import type { Clock } from "../runtime/clock.ts";
import { readIfPresent } from "../runtime/files.ts";
import type { Log } from "../runtime/log.ts";
import { Secret } from "../runtime/secret.ts";
import type { Address } from "../runtime/settings.ts";
import { type Answer, applyAnswer, type Grants, toErrorCode } from "./grants.ts";
import { readGrants } from "./files/grants-file.ts";
import {
  type Identity,
  keepBundle,
  readIdentity,
  readTrust,
  sweepAside,
  toIdentity,
  writeGrants,
  writeIdentity,
} from "./files/identity-files.ts";
import { encodeRenewal, failed, isPermanent, type Renewal } from "./renewal.ts";
import type { SidecarSettings } from "./settings.ts";

export interface RenewDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly random?: () => number;
}

/** The server gives STS 10 s. */
const CALL_DEADLINE_MS = 15_000;
/** All calls of a renewal together: its process is killed after 30 s. */
const RENEWAL_DEADLINE_MS = 28_000;

/**
 * A server that refuses a certificate in the TLS handshake breaks the connection, which looks like an outage. So a
 * certificate of this age or older is replaced once when there is no connection; a younger one is not to blame.
 */
const SUSPECT_AFTER_MS = 5 * 60_000;

/** Never rejects. What could be kept is in credentials.json afterwards, whatever the outcome. */
export async function renew(deps: RenewDeps, settings: SidecarSettings): Promise<Renewal> {
  const run: Run = { ...deps, settings, endsAt: deps.clock.now() + RENEWAL_DEADLINE_MS };
  try {
    await sweepAside(settings.identityDirectory);
    const usable = await usableIdentity(run);
    const { answers, identity } = await fetchAnswers(run, usable);
    const grants = await keepAnswers(run, answers, identity);
    return usable.failure ? failed(usable.failure, usable.failure.retryAfterMs) : summary(grants);
  } catch (thrown) {
    const error = toPodroleError(thrown);
    if (error.code === "INTERNAL") deps.log.error({ code: error.code, err: error.cause }, "renewal failed");
    if (!ERRORS[error.code].keep) await giveUpAll(run, error);
    return failed(error, error.retryAfterMs);
  }
}

/** All that a child process does: one renewal, whose outcome goes to the parent as a line. */
export async function runRenew(
  deps: RenewDeps & { readonly tell: (line: string) => void },
  settings: SidecarSettings,
): Promise<0> {
  deps.tell(`${encodeRenewal(await renew(deps, settings))}\n`);
  return 0;
}

interface Run extends RenewDeps {
  readonly settings: SidecarSettings;
  /** Unix time in milliseconds. */
  readonly endsAt: number;
}

interface Usable {
  readonly identity: Identity;
  /** Issued in this renewal. */
  readonly fresh: boolean;
  /** Why it is not a fresh one although it should be. */
  readonly failure?: PodroleError;
}

/** The identity on file while it is young enough, else a new one; the old one goes on while it is valid. */
async function usableIdentity(run: Run): Promise<Usable> {
  const now = run.clock.now();
  const held = await readIdentity(run.settings.identityDirectory);
  if (held && now < held.renewAtMs) return { identity: held, fresh: false };
  try {
    return { identity: await prove(run), fresh: true };
  } catch (thrown) {
    const failure = toPodroleError(thrown);
    if (!held || now >= held.expiresAtMs || !ERRORS[failure.code].keep) throw thrown;
    return { identity: held, fresh: false, failure };
  }
}

/** A fresh key and a fresh proof: the same for the first certificate and for every later one. */
async function prove(run: Run): Promise<Identity> {
  const { identityDirectory, identityAddress, trustBundle, podName, podNamespace } = run.settings;
  const token = await readProof(run.settings);
  const trust = await readTrust(identityDirectory, trustBundle);
  const privateKey = generateKeyPem();
  // The server ignores names in a request; this one is for people, and X.520 gives it 64 characters.
  const csr = createCsr(privateKey, `${podNamespace}/${podName}`.slice(0, 64));
  const { certificate, bundle } = await issueCertificate(
    endpoint(identityAddress, run.settings, trust.bundlePem),
    { token, csr, bundleHash: trust.hash },
    deadlineMs(run),
  );
  const identity = toIdentity(privateKey, certificate, run.clock.now());
  await writeIdentity(identityDirectory, identity);
  await keepBundle(identityDirectory, bundle);
  run.log.debug({ expires: new Date(identity.expiresAtMs).toISOString() }, "got a certificate");
  return identity;
}

async function readProof({ proofFile, podName, podNamespace }: SidecarSettings): Promise<Secret> {
  const token = (await readIfPresent(proofFile))?.trim();
  if (token) return new Secret(token);
  throw new PodroleError(
    "PROOF_REJECTED",
    `Cannot prove pod "${podNamespace}/${podName}": ${proofFile} has no token, the kubelet should have written one`,
  );
}

/** Answers for the identity at hand, or for a fresh one when the server does not take it. */
async function fetchAnswers(run: Run, { identity, fresh, failure }: Usable) {
  try {
    return { answers: await ask(run, identity), identity };
  } catch (thrown) {
    const age = run.clock.now() - identity.issuedAtMs;
    if (fresh || failure || !mayBeTheCertificate(toPodroleError(thrown), age)) throw thrown;
    const replacement = await prove(run);
    return { answers: await ask(run, replacement), identity: replacement };
  }
}

function mayBeTheCertificate({ code }: PodroleError, ageMs: number): boolean {
  return code === "CERTIFICATE_REJECTED" || (code === "SERVER_UNREACHABLE" && ageMs >= SUSPECT_AFTER_MS);
}

async function ask(run: Run, identity: Identity): Promise<readonly Answer[]> {
  const { identityDirectory, serverAddress, trustBundle, containers } = run.settings;
  const trust = await readTrust(identityDirectory, trustBundle);
  const { grants, bundle } = await getCredentials(
    endpoint(serverAddress, run.settings, trust.bundlePem),
    identity,
    { containers: [...containers], bundleHash: trust.hash },
    deadlineMs(run),
  );
  await keepBundle(identityDirectory, bundle);
  return containers.map((container) =>
    toAnswer(
      container,
      grants.find((grant) => grant.container === container),
    ),
  );
}

function deadlineMs({ clock, endsAt }: Run): number {
  return Math.max(1, Math.min(CALL_DEADLINE_MS, endsAt - clock.now()));
}

function toAnswer(container: string, grant: Grant | undefined): Answer {
  const { result } = grant ?? {};
  if (result?.$case === "refusal") {
    const { code, message, retryAfterMs } = result.refusal;
    return { container, refusal: { code: toErrorCode(code), message, retryAfterMs } };
  }
  const credentials = result?.credentials;
  if (!credentials?.accessKeyId || !credentials.secretAccessKey || !credentials.sessionToken) {
    const message = `Cannot use the answer for container "${container}": the server sent neither credentials nor a reason`;
    return { container, refusal: { code: "INTERNAL", message, retryAfterMs: 0 } };
  }
  return {
    container,
    credentials: {
      ...credentials,
      secretAccessKey: new Secret(credentials.secretAccessKey),
      sessionToken: new Secret(credentials.sessionToken),
    },
  };
}

async function keepAnswers(
  { clock, random = Math.random, settings: { identityDirectory } }: Run,
  answers: readonly Answer[],
  certificate: Pick<Identity, "renewAtMs" | "expiresAtMs"> | undefined,
): Promise<Grants> {
  const previous = readGrants(identityDirectory);
  const now = clock.now();
  const containers = answers.map((answer) =>
    applyAnswer(
      previous?.containers.find(({ container }) => container === answer.container),
      answer,
      now,
      random,
    ),
  );
  const { renewAtMs, expiresAtMs } = certificate ?? { renewAtMs: 0, expiresAtMs: 0 };
  const grants = { containers, certificate: certificate && { renewAtMs, expiresAtMs } };
  await writeGrants(identityDirectory, grants);
  return grants;
}

/** The pod as a whole is refused by policy: nothing is handed out any more, also after a restart. */
async function giveUpAll(run: Run, { code, message }: Refusal): Promise<void> {
  const { containers, identityDirectory } = run.settings;
  const answers = containers.map((container) => ({ container, refusal: { code, message, retryAfterMs: 0 } }));
  try {
    await keepAnswers(run, answers, await readIdentity(identityDirectory));
  } catch (error) {
    run.log.error({ err: error }, "could not write down that the pod is refused");
  }
}

/** One word for the whole pod: a passing refusal before a lasting one, because it is the sooner reason to ask again. */
function summary({ containers }: Grants): Renewal {
  const refusals = containers.flatMap(({ refusal }) => refusal ?? []);
  const first = refusals.find((refusal) => !isPermanent(refusal)) ?? refusals[0];
  return first === undefined ? { outcome: "renewed" } : { outcome: "refused", ...first };
}

function endpoint({ host, port }: Address, { serverName }: SidecarSettings, bundlePem: string): ServerEndpoint {
  return {
    address: `${host.includes(":") ? `[${host}]` : host}:${port}`,
    serverName: serverName ?? host,
    bundlePem,
  };
}
