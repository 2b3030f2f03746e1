// Keeps a try installation apart from a real one: finds an installation of podrole that is registered in the cluster.
// Its mark is the name of the webhook, which both `manifests/base` and the chart fix; that of a try installation is
// another one.

/** A MutatingWebhookConfiguration as far as the guard reads it. */
export interface RegisteredConfiguration {
  readonly metadata: { readonly name?: string | undefined };
  readonly webhooks?: readonly { readonly name: string }[];
}

const REAL_WEBHOOK = "pods.podrole.io";

/** Returns why a try installation must not run beside these webhooks; undefined if it may. */
export function whyNotBeside(configurations: readonly RegisteredConfiguration[]): string | undefined {
  const real = configurations.find(({ webhooks = [] }) => webhooks.some(({ name }) => name === REAL_WEBHOOK));
  return (
    real &&
    `Cannot run the emulated STS of podrole-try: podrole is installed in this cluster (MutatingWebhookConfiguration ` +
      `${JSON.stringify(real.metadata.name ?? "")}); expected a cluster without podrole`
  );
}
