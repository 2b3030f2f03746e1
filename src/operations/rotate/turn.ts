// One verb on the CA's Secret, beside servers that look at it each minute: read, decide with pki's state machine, write
// with the resourceVersion as the lock; whoever was faster is read again. Nothing is kept here.
import { ApiError } from "../../kubernetes/errors.ts";
import type { OperatorKubernetes } from "../../kubernetes/operator.ts";
import {
  type Authorities,
  decodeAuthorities,
  encodeAuthorities,
  type RotateOptions,
  type RotationVerb,
  rotate,
} from "../../pki/authorities.ts";
import { readCertificates } from "../../pki/bundle.ts";
import type { Clock } from "../../runtime/clock.ts";

export interface TurnDeps {
  readonly kubernetes: Pick<
    OperatorKubernetes,
    "getSecret" | "replaceSecret" | "getConfigMap" | "getWebhookConfiguration"
  >;
  readonly clock: Clock;
}

export interface TurnOptions {
  readonly secret: { readonly namespace: string; readonly name: string };
  readonly trustConfigMap: { readonly namespace: string; readonly name: string };
  readonly webhookConfiguration: string;
  readonly rotation: RotateOptions;
}

/** More lost races than this in a row are a fault. */
const ATTEMPTS = 5;

/**
 * The slots after the verb, or the words why not. Throws ApiError, and PodroleError AUTHORITY_UNAVAILABLE for a damaged
 * Secret, which stays as it is.
 */
export async function turn(
  verb: RotationVerb,
  { kubernetes, clock }: TurnDeps,
  options: TurnOptions,
): Promise<Authorities | string> {
  const { namespace, name } = options.secret;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const held = await readSlots({ kubernetes }, options);
    if (typeof held === "string") return held;
    const result = rotate(verb, held.slots, clock.now(), options.rotation);
    if (typeof result === "string") return result;
    const unheard =
      verb === "activate" && !options.rotation.force && (await notPublished(held.slots, kubernetes, options));
    if (unheard) return unheard;
    const data = encodeAuthorities(result);
    if ((await kubernetes.replaceSecret(namespace, name, data, held.resourceVersion)) === "replaced") return result;
  }
  throw new ApiError(409, "Conflict", `Cannot change Secret ${namespace}/${name}: others keep changing it`);
}

export interface HeldSlots {
  readonly slots: Authorities;
  readonly resourceVersion: string;
}

/** The slots as they stand, or the words why there are none. */
export async function readSlots(
  { kubernetes }: Pick<TurnDeps, "kubernetes">,
  { secret: { namespace, name } }: Pick<TurnOptions, "secret">,
): Promise<HeldSlots | string> {
  const secret = await kubernetes.getSecret(namespace, name);
  const slots = secret && decodeAuthorities(secret.data);
  if (secret === undefined || slots === undefined) {
    return `Secret ${namespace}/${name} holds no CA yet: the server makes it when it starts`;
  }
  return { slots, resourceVersion: secret.metadata.resourceVersion ?? "" };
}

/** Time alone does not publish: servers that are away have told nobody about the next CA. */
async function notPublished(
  { next }: Authorities,
  kubernetes: TurnDeps["kubernetes"],
  { trustConfigMap: { namespace, name }, webhookConfiguration }: TurnOptions,
): Promise<string | undefined> {
  const [certificate] = readCertificates(next?.authority.certificatePem ?? "");
  const holds = (bundle = "") => readCertificates(bundle).some(({ raw }) => certificate?.raw.equals(raw) === true);
  if (!holds((await kubernetes.getConfigMap(namespace, name))?.["bundle.pem"])) {
    return `the next CA is not in ConfigMap ${namespace}/${name}: a server publishes it within a minute, is one running?`;
  }
  const configuration = await kubernetes.getWebhookConfiguration(webhookConfiguration);
  const lacking = configuration?.webhooks.find(({ caBundle }) => !holds(caBundle));
  return (
    lacking && `the next CA is not in caBundle of webhook ${lacking.name}: the API server would not trust the webhook`
  );
}
