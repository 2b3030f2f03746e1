// Who calls /mutate. With --api-server-ca, a caller proves by a TLS client certificate that it is the API server;
// without it, every caller is served.
// States of the CA file: held (read again each minute; another CA counts from the next request of every connection, and
// a file that cannot be used changes nothing) → stopped (signal). Without a usable file there is no start.
import { constants, type X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { bundleHash, readCertificates } from "../pki/bundle.ts";
import { isIssuedBy, isValidAt } from "../pki/chain.ts";
import { quoted } from "../policy/annotations.ts";
import { type Refusal, refuse } from "../protocol/errors.ts";
import type { AdmissionLine } from "../runtime/audit-line.ts";
import { type Changing, createChanges } from "../runtime/changes.ts";
import { type Clock, repeat } from "../runtime/clock.ts";
import { readIfPresent } from "../runtime/files.ts";
import type { Log } from "../runtime/log.ts";
import { createSampler } from "../runtime/sampler.ts";

/** What a caller of /mutate has proved to be. */
export type CallerProof = AdmissionLine["caller"];

/** TLS options of the port that concern the caller. */
export interface CallerTls {
  readonly requestCert?: true;
  readonly rejectUnauthorized?: true;
  readonly ca?: string;
  readonly secureOptions?: number;
}

/** `onChange` reports another CA. */
export interface CallerVerifier extends Changing {
  tls(): CallerTls;
  /**
   * Returns who is at the other end of a connection, or why its request is refused. To be called for each request: a
   * certificate may expire, and the CA may change, while a connection is open.
   */
  identify(socket: TLSSocket): CallerProof | Refusal;
}

/**
 * Serves every caller: the port without --api-server-ca. The audit log marks these callers as unproven, because
 * everyone who reaches the port can cause such lines.
 */
export const ANY_CALLER: CallerVerifier = {
  tls: () => ({}),
  identify: () => "unproven",
  onChange: () => () => {},
};

export interface CallerVerifierDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export interface CallerVerifierOptions {
  /** PEM file with the CA, or several, of the API server's client certificates. */
  readonly caFile: string;
  /** Common name or DNS name that the certificate must have; undefined: any. */
  readonly name: string | undefined;
}

const CALLER_CA_CHECK_INTERVAL_MS = 60_000;

/**
 * Reads the CA and follows the file until `signal` is aborted. Rejects if the file cannot be used: the message names
 * the setting, the file, and what is accepted.
 */
export async function startCallerVerifier(
  { clock, log, signal }: CallerVerifierDeps,
  { caFile, name }: CallerVerifierOptions,
): Promise<CallerVerifier> {
  const changes = createChanges((err) => log.error({ err }, "could not use another CA of the API server"));
  let ca = await readCa(caFile);

  async function check(): Promise<number> {
    try {
      const read = await readCa(caFile);
      if (read.pem === ca.pem) return CALLER_CA_CHECK_INTERVAL_MS;
      ca = read;
      log.info({ caFile, bundle: bundleHash(read.pem) }, "the CA of the API server's certificate changed");
      changes.emit();
    } catch (error) {
      log.warn({ err: error, caFile }, "could not read the CA of the API server's certificate; keeping the last one");
    }
    return CALLER_CA_CHECK_INTERVAL_MS;
  }

  repeat({ clock, signal }, check, CALLER_CA_CHECK_INTERVAL_MS);
  return {
    tls: () => ({
      requestCert: true,
      rejectUnauthorized: true,
      ca: ca.pem,
      // A resumed session would repeat the proof of an earlier handshake.
      secureOptions: constants.SSL_OP_NO_TICKET,
    }),
    identify(socket) {
      const state = findCallerProblem(socket.getPeerX509Certificate(), {
        name,
        now: clock.now(),
        authorities: ca.certificates,
      });
      if (state === undefined) return "api-server";
      return refuse("CERTIFICATE_REJECTED", `Cannot answer a caller of /mutate: ${state}`);
    },
    onChange: changes.onChange,
  };
}

/**
 * Creates a log of callers that the handshake rejected: one line at most each minute, with the number since the last.
 */
export function createRejectionLog({
  clock,
  log,
}: Pick<CallerVerifierDeps, "clock" | "log">): (reason: string) => void {
  const sampler = createSampler({ clock }, { most: 1, windowMs: CALLER_CA_CHECK_INTERVAL_MS });
  return (reason) => {
    const omitted = sampler.take("rejected");
    if (omitted === undefined) return;
    const count = omitted + 1;
    log.warn({ reason, count }, "rejected callers of /mutate that did not prove that they are the API server");
  };
}

interface Expectation {
  readonly name: string | undefined;
  readonly now: number;
  readonly authorities: readonly X509Certificate[];
}

/** The handshake has verified the chain; this repeats what may have changed since. */
function findCallerProblem(certificate: X509Certificate | undefined, expected: Expectation): string | undefined {
  const { name, now, authorities } = expected;
  if (certificate === undefined) return "it showed no certificate; expected the API server's client certificate";
  const { subject, validFromDate, validToDate } = certificate;
  if (!isValidAt(certificate, now)) {
    return `its certificate is valid from ${validFromDate.toISOString()} to ${validToDate.toISOString()}; expected now`;
  }
  if (!isBelow(certificate, authorities, now))
    return "its certificate is of another CA; expected the CA of --api-server-ca";
  if (name === undefined || hasName(certificate, name)) return undefined;
  return `its certificate is for ${quoted(subject ?? "")}; expected ${quoted(name)} (--api-server-name)`;
}

/**
 * Reports whether a CA of the file issued the certificate, or a presented CA above it. All of them must be valid now.
 * What Node calls the issuer of a certificate is the one that the peer presented behind it; whether it signed is
 * verified here.
 */
function isBelow(certificate: X509Certificate, authorities: readonly X509Certificate[], now: number): boolean {
  const usable = authorities.filter((authority) => isUsable(authority, now));
  let current: X509Certificate = certificate;
  for (let depth = 0; depth < MAX_CHAIN_DEPTH; depth += 1) {
    if (usable.some((authority) => isIssuedBy(current, authority))) return true;
    const { issuerCertificate } = current;
    if (issuerCertificate === undefined || !isUsable(issuerCertificate, now)) return false;
    if (!isIssuedBy(current, issuerCertificate)) return false;
    current = issuerCertificate;
  }
  return false;
}

function isUsable(authority: X509Certificate, now: number): boolean {
  return authority.ca && isValidAt(authority, now);
}

/** Certificates between the caller's and the CA. */
const MAX_CHAIN_DEPTH = 4;

function hasName(certificate: X509Certificate, name: string): boolean {
  const commonNames: unknown = certificate.toLegacyObject().subject.CN;
  const isCommon = Array.isArray(commonNames) ? commonNames.includes(name) : commonNames === name;
  return isCommon || certificate.checkHost(name, { subject: "never", wildcards: false }) !== undefined;
}

async function readCa(file: string): Promise<{ readonly pem: string; readonly certificates: X509Certificate[] }> {
  const pem = await readIfPresent(file);
  const certificates = readCertificates(pem ?? "");
  if (pem !== undefined && certificates.length > 0) return { pem: certificates.join(""), certificates };
  const state = pem === undefined ? "it does not exist" : "it has no certificate";
  throw new Error(
    `Cannot use --api-server-ca ${quoted(file)}: ${state}; expected a PEM file with the API server's client CA`,
  );
}
