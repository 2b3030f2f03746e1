// Reads what podrole's server publishes, and the slots of its CA's Secret, without keys.

import type { OperatorKubernetes } from "../../../kubernetes/operator.ts";
import { BUNDLE_KEY } from "../../../pki/bundle.ts";
import { decodeAuthorities, type SlotCertificate, slotCertificates } from "../../../pki/slots.ts";
import { type PodCertificateSupport, publishedSupport } from "../../../protocol/pod-certificates.ts";
import type { Installed } from "../../installed.ts";
import { type Known, readKnown } from "../../known.ts";
import { DEFAULT_NAMES } from "../rights.ts";

/** What the server publishes in its ConfigMap. */
export interface Published {
  /** PEM; undefined if there is no such ConfigMap. */
  readonly trustBundle: string | undefined;
  /** Whether new pods get a pod certificate; undefined if the server has not published it. */
  readonly podCertificates: PodCertificateSupport | undefined;
}

/** Reads the ConfigMap with the trust bundle. */
export function readPublished(
  kubernetes: Pick<OperatorKubernetes, "getConfigMap">,
  { server }: Pick<Installed, "server">,
  namespace: string,
): Promise<Known<Published>> {
  const place = server?.settings?.trustConfigMap ?? { namespace, name: DEFAULT_NAMES.trustConfigMap };
  return readKnown(async () => {
    const data = await kubernetes.getConfigMap(place.namespace, place.name);
    return { trustBundle: data?.[BUNDLE_KEY], podCertificates: publishedSupport(data) };
  });
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
