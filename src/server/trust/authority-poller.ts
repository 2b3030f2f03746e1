// Polls the server's CA, wherever it comes from (trust-secret.ts, trust-files.ts), and publishes its bundle.
// States: starting (no CA yet: checks every 2 s) → running (checks each minute; every 2 s after a failure) → stopped
// (stop()). A failed check changes nothing: the CA that was read last goes on signing, and the expiry gauge shows it.
import type { Authorities } from "../../pki/authorities.ts";
import type { Authority } from "../../pki/certificate.ts";
import { PodroleError } from "../../protocol/errors.ts";
import { type Changing, createChanges } from "../../runtime/changes.ts";
import { type Clock, type Repetition, repeat } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";

/** The CA that signs now, and every CA that peers must trust. */
export interface SigningTrust {
  readonly authority: Authority;
  readonly bundlePem: string;
  /** The slots of podrole's own CA; absent with a CA of the operator. */
  readonly slots?: Authorities;
}

/** Reads the CA from its origin; may create or rotate it there. Rejects if no usable CA can be read. */
export type ReadTrust = () => Promise<SigningTrust>;

/** Emits each change of the CA or the bundle. */
export interface AuthorityPoller extends Changing {
  /** The CA that was read last. Throws PodroleError AUTHORITY_UNAVAILABLE before start() has resolved. */
  current(): SigningTrust;
  /** Resolves once a CA has been read, or when stop() is called; retries until then. */
  start(): Promise<void>;
  /** Checks and publishes at once instead of at the next minute. */
  checkNow(): void;
  stop(): Promise<void>;
}

export interface AuthorityPollerDeps {
  readonly readTrust: ReadTrust;
  /** Publishes the bundle for the webhook; called at each check, so a rejection is retried at the next one. */
  readonly publish: (bundlePem: string) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
  /** Called with the result of each check. */
  readonly onCheck: (result: "ok" | "failed") => void;
}

const AUTHORITY_POLL_INTERVAL_MS = 60_000;
const AUTHORITY_RETRY_DELAY_MS = 2_000;

/** Creates a poller that does nothing until start(). */
export function createAuthorityPoller({
  readTrust,
  publish,
  clock,
  log,
  onCheck,
}: AuthorityPollerDeps): AuthorityPoller {
  const stopped = new AbortController();
  const changes = createChanges((error) => log.error({ err: error }, "could not follow a change of the CA"));
  let trust: SigningTrust | undefined;
  let checks: Repetition | undefined;

  async function check(): Promise<boolean> {
    try {
      const read = await readTrust();
      const hasChanged = !isSameTrust(trust, read);
      trust = read;
      if (hasChanged) changes.emit();
      await publish(read.bundlePem);
      onCheck("ok");
      return true;
    } catch (error) {
      onCheck("failed");
      log.warn({ err: error }, "could not read the CA or publish its bundle");
      return false;
    }
  }

  return {
    current() {
      if (trust === undefined)
        throw new PodroleError("AUTHORITY_UNAVAILABLE", "Cannot sign: the CA has not been read yet");
      return trust;
    },
    async start() {
      const first = Promise.withResolvers<void>();
      checks = repeat({ clock, signal: stopped.signal }, async () => {
        const succeeded = await check();
        if (trust !== undefined) first.resolve();
        return succeeded ? AUTHORITY_POLL_INTERVAL_MS : AUTHORITY_RETRY_DELAY_MS;
      });
      await Promise.race([first.promise, checks.ended]);
    },
    checkNow: () => checks?.wake(),
    onChange: (listener) => changes.onChange(listener),
    async stop() {
      stopped.abort();
      await checks?.ended;
    },
  };
}

function isSameTrust(a: SigningTrust | undefined, b: SigningTrust): boolean {
  return a?.bundlePem === b.bundlePem && a.authority.certificatePem === b.authority.certificatePem;
}
