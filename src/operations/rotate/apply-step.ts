// One step of a rotation, applied to the CA's Secret beside servers that check it every minute: read, decide with pki's
// state machine, write with the resourceVersion as the lock. When another writer was faster, it starts over. Nothing is
// stored here.
import { ApiError } from "../../kubernetes/errors.ts";
import type { OperatorKubernetes } from "../../kubernetes/operator.ts";
import {
  type Authorities,
  decodeAuthorities,
  encodeAuthorities,
  type RotationStepOptions,
  type RotationVerb,
  rotateSlots,
} from "../../pki/authorities.ts";
import { BUNDLE_KEY, readCertificates } from "../../pki/bundle.ts";
import type { Clock } from "../../runtime/clock.ts";
import { failure, type Result, success } from "../../runtime/result.ts";

/** What a step reads and writes. */
export interface StepDeps {
  readonly kubernetes: Pick<
    OperatorKubernetes,
    "getSecret" | "replaceSecret" | "getConfigMap" | "getWebhookConfiguration"
  >;
  readonly clock: Clock;
}

/** Where the installed server keeps the CA, and how it rotates it. */
export interface StepOptions {
  readonly secret: { readonly namespace: string; readonly name: string };
  readonly trustConfigMap: { readonly namespace: string; readonly name: string };
  readonly webhookConfiguration: string;
  readonly rotation: RotationStepOptions;
}

/** Losing more races than this in a row is an error. */
const MAX_STEP_ATTEMPTS = 5;

/**
 * Applies the step and returns the new slots; the problem is why the step is refused. Throws ApiError, and PodroleError
 * AUTHORITY_UNAVAILABLE for a damaged Secret, which is left unchanged.
 */
export async function applyStep(
  verb: RotationVerb,
  { kubernetes, clock }: StepDeps,
  options: StepOptions,
): Promise<Result<Authorities>> {
  const { namespace, name } = options.secret;
  for (let attempt = 0; attempt < MAX_STEP_ATTEMPTS; attempt++) {
    const held = await readSlots({ kubernetes }, options);
    if (!held.ok) return held;
    const { slots, resourceVersion } = held.value;
    const result = rotateSlots(verb, slots, clock.now(), options.rotation);
    if (!result.ok) return result;
    const unpublished =
      verb === "activate" && !options.rotation.force && (await notPublished(slots, kubernetes, options));
    if (unpublished) return failure(unpublished);
    const data = encodeAuthorities(result.value);
    if ((await kubernetes.replaceSecret(namespace, name, data, resourceVersion)) === "replaced") return result;
  }
  throw new ApiError(
    409,
    "Conflict",
    `Cannot change Secret ${namespace}/${name}: it changed ${MAX_STEP_ATTEMPTS} times meanwhile; expected one writer at a time`,
  );
}

/** The slots of a Secret, and the version that a change must replace. */
export interface HeldSlots {
  readonly slots: Authorities;
  readonly resourceVersion: string;
}

/** Returns the current slots; the problem is why there are none. Throws as applyStep() does. */
export async function readSlots(
  { kubernetes }: Pick<StepDeps, "kubernetes">,
  { secret: { namespace, name } }: Pick<StepOptions, "secret">,
): Promise<Result<HeldSlots>> {
  const secret = await kubernetes.getSecret(namespace, name);
  const slots = secret && decodeAuthorities(secret.data);
  if (secret === undefined || slots === undefined) {
    return failure(`Secret ${namespace}/${name} holds no CA yet; the server creates it when it starts`);
  }
  return success({ slots, resourceVersion: secret.metadata.resourceVersion ?? "" });
}

/** Elapsed time is not enough: if no server runs, nothing has published the next CA. */
async function notPublished(
  { next }: Authorities,
  kubernetes: StepDeps["kubernetes"],
  { trustConfigMap: { namespace, name }, webhookConfiguration }: StepOptions,
): Promise<string | undefined> {
  const [certificate] = readCertificates(next?.authority.certificatePem ?? "");
  const holds = (bundle = "") => readCertificates(bundle).some(({ raw }) => certificate?.raw.equals(raw) === true);
  if (!holds((await kubernetes.getConfigMap(namespace, name))?.[BUNDLE_KEY])) {
    return `the next CA is not in ConfigMap ${namespace}/${name}; a running server publishes it within a minute`;
  }
  const configuration = await kubernetes.getWebhookConfiguration(webhookConfiguration);
  const lacking = configuration?.webhooks.find(({ caBundle }) => !holds(caBundle));
  return (
    lacking && `the next CA is not in caBundle of webhook ${lacking.name}; the API server would not trust the webhook`
  );
}
