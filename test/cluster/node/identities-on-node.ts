// What the sidecars on the node have: trust bundle, certificate, and the certificate that their last renewal used. Read
// in the node's files, because a process in a sidecar's container would count towards its memory limit. Keys and
// credentials are not read.
import { isIssuedFrom, notAfterOf, splitBundle } from "../../../src/pki/bundle.ts";
import { Not, onNode, untilSuccess } from "./suite.ts";

/** Prints them for each pod's uid, with a token or with a pod certificate. Not every file ends with a newline. */
const PRINT_IDENTITIES = String.raw`
for volumes in /var/lib/kubelet/pods/*/volumes; do
  identity=$volumes/kubernetes.io~empty-dir/podrole-identity
  proof=$volumes/kubernetes.io~projected/podrole-proof
  [ -d $identity ] || continue
  printf '\npod %s\n' $(basename $(dirname $volumes))
  cat $identity/bundle.pem $proof/bundle.pem 2>/dev/null
  printf '\ncertificate\n'
  cat $identity/identity.pem $proof/credentials.pem 2>/dev/null | sed -n '/BEGIN CERTIFICATE/,$p'
  printf '\nused\n'
  sed -n 's/.*"certificate":{[^}]*"expiresAtMs":\([0-9]*\).*/\1/p' $identity/credentials.json 2>/dev/null || true
done
`;

/** What the sidecar of one pod has; empty texts for what it has not. */
export interface PodIdentityFiles {
  readonly bundle: string;
  readonly certificate: string;
  /** When the certificate expires with which the sidecar made its last renewal, in Unix milliseconds. */
  readonly usedExpiresAt: number;
}

const NOTHING: PodIdentityFiles = { bundle: "", certificate: "", usedExpiresAt: 0 };

/** Returns what the sidecars on the node have, by the uid of their pod. */
export function readIdentitiesOnNode(): ReadonlyMap<string, PodIdentityFiles> {
  const pods = onNode(PRINT_IDENTITIES).split(/^pod /m).slice(1);
  return new Map(
    pods.map((text) => {
      const [uid = ""] = text.split("\n", 1);
      const [bundle = "", certificate = "", used = ""] = text.slice(uid.length).split(/^(?:certificate|used)$/m);
      return [uid, { bundle, certificate, usedExpiresAt: Number(used) }];
    }),
  );
}

const LOOK_MS = 3_000;

/** Waits until every one of these pods has what is expected; resolves with the seconds that it took. */
export async function everyPodHas(
  uids: readonly string[],
  what: string,
  hasIt: (files: PodIdentityFiles, uid: string) => boolean,
  seconds: number,
): Promise<number> {
  const began = Date.now();
  await untilSuccess(
    `${what} in every client pod`,
    async () => {
      const known = readIdentitiesOnNode();
      const lacking = uids.filter((uid) => !hasIt(known.get(uid) ?? NOTHING, uid));
      return lacking.length === 0 ? uids : new Not(`${lacking.length} of ${uids.length} pods lack it`);
    },
    { seconds, everyMs: LOOK_MS },
  );
  return Math.round((Date.now() - began) / 1000);
}

/** Whether the pod trusts this CA (PEM). */
export const trusts =
  (ca: string) =>
  ({ bundle }: PodIdentityFiles): boolean =>
    splitBundle(bundle).includes(ca);

/** Whether this CA (PEM) has issued the pod's certificate. */
export const hasIssuer =
  (ca: string) =>
  ({ certificate }: PodIdentityFiles): boolean =>
    isIssuedFrom(certificate, ca);

/** Whether the sidecar has renewed with the certificate that it has now, and therefore with its key. */
export function hasUsedIt({ certificate, usedExpiresAt }: PodIdentityFiles): boolean {
  return certificate.includes("BEGIN CERTIFICATE") && notAfterOf(certificate) === usedExpiresAt;
}
