// Trust from podrole's own CA: three slots in one Secret that all replicas share. There is no leader: the Secret is
// created with create-if-absent and changed with its resourceVersion as the lock; a replica that loses the race reads
// what the winner wrote. States: unread → read (the slots read last stay in memory as long as the server runs).
import type { Kubernetes } from "../../kubernetes/api.ts";
import {
  type Authorities,
  bundleOf,
  decodeAuthorities,
  encodeAuthorities,
  planRotation,
  type RotationOptions,
} from "../../pki/authorities.ts";
import { PodroleError } from "../../protocol/errors.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { ReadTrust, SigningTrust } from "./authority-poller.ts";
import type { Ownership } from "./ownership.ts";

export interface TrustSecretDeps {
  readonly kubernetes: Pick<Kubernetes, "getSecret" | "createSecret" | "replaceSecret">;
  readonly ownership: Ownership;
  readonly clock: Clock;
  readonly log: Log;
}

export interface TrustSecretOptions {
  readonly namespace: string;
  readonly name: string;
  readonly rotation: RotationOptions;
}

/** Two replicas may create their first CA at the same time; losing more often than this in a row is an error. */
const MAX_WRITE_ATTEMPTS = 5;

/**
 * Reads trust from the shared Secret; creates the CA when absent and rotates it when due. If the Secret was deleted, a
 * server that has read it writes the same CA again, because every pod trusts that CA and no other; while podrole is
 * being uninstalled the Secret stays deleted. Rejects with KUBERNETES_UNAVAILABLE, or AUTHORITY_UNAVAILABLE if the
 * Secret's content is damaged.
 */
export function trustFromSecret(
  { kubernetes, ownership, clock, log }: TrustSecretDeps,
  { namespace, name, rotation }: TrustSecretOptions,
): ReadTrust {
  let lastRead: Authorities | undefined;
  return async () => {
    for (let attempt = 0; attempt < MAX_WRITE_ATTEMPTS; attempt++) {
      const secret = await kubernetes.getSecret(namespace, name);
      const slots: Authorities | undefined = secret && decodeAuthorities(secret.data);
      const { authorities, hasChanged, reason } = planRotation(slots ?? lastRead, clock.now(), rotation);
      if (slots && !hasChanged) {
        lastRead = slots;
        return signingTrustOf(slots);
      }
      const metadata = secret ? undefined : await ownership(namespace);
      if (!secret && !metadata && lastRead) return signingTrustOf(lastRead);
      if (slots || !lastRead) log.info({ secret: name, reason }, "changing the CA");
      else log.warn({ secret: name }, "the CA's Secret was deleted or emptied: writing the same CA again");
      const data = encodeAuthorities(authorities);
      // Whether the write wins or loses, the next attempt reads the result: ours or another replica's.
      if (secret) await kubernetes.replaceSecret(namespace, name, data, secret.metadata.resourceVersion ?? "");
      else if (metadata) await kubernetes.createSecret(namespace, name, data, metadata);
    }
    throw new PodroleError(
      "KUBERNETES_UNAVAILABLE",
      `Cannot change Secret ${namespace}/${name}: ${MAX_WRITE_ATTEMPTS} attempts met changes by others; expected at most one such conflict`,
    );
  };
}

function signingTrustOf(authorities: Authorities): SigningTrust {
  return { authority: authorities.current.authority, bundlePem: bundleOf(authorities), slots: authorities };
}
