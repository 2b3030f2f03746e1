// Keeps podrole's CA: three slots in one Secret, shared by all replicas. There is no leader: the Secret is created with
// create-if-absent and changed with its resourceVersion as the lock; whoever loses reads what the winner wrote.
// States: starting (no CA yet) → keeping (a look each minute) → stopped (stop()).
// A failed look changes nothing: the slots last read go on signing, and the expiry gauge tells.
import type { Kubernetes } from "../../kubernetes/api.ts";
import {
  type Authorities,
  bundleOf,
  decodeAuthorities,
  encodeAuthorities,
  planRotation,
  type RotationOptions,
} from "../../pki/authorities.ts";
import type { Authority } from "../../pki/certificate.ts";
import { PodroleError } from "../../protocol/errors.ts";
import { createChanges } from "../../runtime/changes.ts";
import { type Clock, sleep } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Births } from "./owner.ts";

/** The CA that signs now, and every CA that is to be believed. */
export interface Trust {
  readonly authority: Authority;
  readonly bundlePem: string;
}

/** Where the CA comes from: kept in a Secret, or the operator's files. */
export type ReadTrust = () => Promise<Trust>;

export interface AuthorityKeeper {
  /** What was read last. Throws PodroleError AUTHORITY_UNAVAILABLE before start() has resolved. */
  current(): Trust;
  /** Reads or makes the CA; retries until it has one. */
  start(): Promise<void>;
  onChange(listener: () => void): () => void;
  stop(): Promise<void>;
}

const LOOK_EACH_MS = 60_000;
const LOOK_AGAIN_MS = 2_000;

export function createAuthorityKeeper({
  readTrust,
  publish,
  clock,
  log,
  onLook,
}: {
  readonly readTrust: ReadTrust;
  /** Makes the bundle known to the webhook; may throw, is repeated at each look. */
  readonly publish: (bundlePem: string) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
  /** Hears how each look went. */
  readonly onLook?: (result: "ok" | "failed") => void;
}): AuthorityKeeper {
  const stopped = new AbortController();
  const changes = createChanges((err) => log.error({ err }, "a listener of the CA failed"));
  let trust: Trust | undefined;
  let kept: Promise<void> = Promise.resolve();

  async function look(): Promise<boolean> {
    try {
      const read = await readTrust();
      const changed = !isSame(trust, read);
      trust = read;
      if (changed) changes.emit();
      await publish(read.bundlePem);
      onLook?.("ok");
      return true;
    } catch (error) {
      onLook?.("failed");
      log.warn({ err: error }, "could not look after the CA");
      return false;
    }
  }

  async function keep(): Promise<void> {
    let well = true;
    while (!stopped.signal.aborted) {
      await sleep(clock, well ? LOOK_EACH_MS : LOOK_AGAIN_MS, stopped.signal);
      if (!stopped.signal.aborted) well = await look();
    }
  }

  return {
    current() {
      if (trust === undefined)
        throw new PodroleError("AUTHORITY_UNAVAILABLE", "Cannot sign: the CA has not been read yet");
      return trust;
    },
    async start() {
      while (trust === undefined && !stopped.signal.aborted) {
        if (!(await look()) && trust === undefined) await sleep(clock, LOOK_AGAIN_MS, stopped.signal);
      }
      kept = keep();
    },
    onChange: changes.onChange,
    async stop() {
      stopped.abort();
      await kept;
    },
  };
}

function isSame(a: Trust | undefined, b: Trust): boolean {
  return a?.bundlePem === b.bundlePem && a.authority.certificatePem === b.authority.certificatePem;
}

function trustOf(authorities: Authorities): Trust {
  return { authority: authorities.current.authority, bundlePem: bundleOf(authorities) };
}

/** Two replicas may make their first CA at the same time; more losses than this in a row are a fault. */
const ATTEMPTS = 5;

export interface SecretTrustOptions {
  readonly namespace: string;
  readonly name: string;
  readonly rotation: RotationOptions;
}

/**
 * Trust from the shared Secret: made when absent, turned over when due. A Secret that was deleted comes back with what was
 * read last, as long as a server runs that has read it: every pod believes that CA, and no other. It stays away when
 * podrole is being uninstalled.
 */
export function trustFromSecret(
  {
    kubernetes,
    births,
    clock,
    log,
  }: {
    readonly kubernetes: Pick<Kubernetes, "getSecret" | "createSecret" | "replaceSecret">;
    readonly births: Births;
    readonly clock: Clock;
    readonly log: Log;
  },
  { namespace, name, rotation }: SecretTrustOptions,
): ReadTrust {
  let known: Authorities | undefined;
  return async () => {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const secret = await kubernetes.getSecret(namespace, name);
      const slots: Authorities | undefined = secret && decodeAuthorities(secret.data);
      const { authorities, changed, reason } = planRotation(slots ?? known, clock.now(), rotation);
      if (slots && !changed) {
        known = slots;
        return trustOf(slots);
      }
      const birth = secret ? undefined : await births(namespace);
      if (!secret && !birth && known) return trustOf(known);
      if (slots || !known) log.info({ secret: name, reason }, "changing the CA");
      else log.warn({ secret: name }, "the CA's Secret is gone: what it held is written again");
      const data = encodeAuthorities(authorities);
      // Whatever the answer is, the next round reads what stands there now: ours or another replica's.
      if (secret) await kubernetes.replaceSecret(namespace, name, data, secret.metadata.resourceVersion ?? "");
      else if (birth) await kubernetes.createSecret(namespace, name, data, birth);
    }
    throw new PodroleError(
      "KUBERNETES_UNAVAILABLE",
      `Cannot change Secret ${namespace}/${name}: others keep changing it`,
    );
  };
}
