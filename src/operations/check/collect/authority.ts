// Reads podrole's CA: the published trust bundle, and the slots of the Secret, without keys.

import type { OperatorKubernetes } from "../../../kubernetes/operator.ts";
import { BUNDLE_KEY } from "../../../pki/bundle.ts";
import { decodeAuthorities, type SlotCertificate, slotCertificates } from "../../../pki/slots.ts";
import type { Installed } from "../../installed.ts";
import { type Known, readKnown } from "../../known.ts";
import { DEFAULT_NAMES } from "../rights.ts";

/** Reads the published trust bundle as PEM; undefined if its ConfigMap does not exist. */
export function readTrustBundle(
  kubernetes: Pick<OperatorKubernetes, "getConfigMap">,
  { server }: Pick<Installed, "server">,
  namespace: string,
): Promise<Known<string | undefined>> {
  const place = server?.settings?.trustConfigMap ?? { namespace, name: DEFAULT_NAMES.trustConfigMap };
  return readKnown(async () => (await kubernetes.getConfigMap(place.namespace, place.name))?.[BUNDLE_KEY]);
}

/** Reads the CA's Secret; unknown with a CA of the operator's own. */
export async function readSlotCertificates(
  kubernetes: OperatorKubernetes,
  { server }: Installed,
  namespace: string,
): Promise<Known<readonly SlotCertificate[]>> {
  if (server?.settings?.caCert !== undefined) return { unknown: "The CA is your own (--ca-cert)" };
  const { namespace: where, name } = server?.settings?.caSecret ?? { namespace, name: DEFAULT_NAMES.caSecret };
  return readKnown(async () => {
    const secret = await kubernetes.getSecret(where, name);
    const held = secret && decodeAuthorities(secret.data);
    if (held === undefined) throw new Error(`Secret ${where}/${name} contains no CA yet`);
    return slotCertificates(held);
  });
}
