// Changes that break one thing of a healthy cluster.
import type { Facts } from "../../../src/operations/check/facts.ts";
import type { CheckState } from "../../../src/operations/check/finding.ts";
import { readInstalled } from "../../../src/operations/installed.ts";
import {
  admissionPolicies,
  COMMON,
  HEALTHY_NAMESPACE,
  healthyFacts,
  knownFact,
  ownConfiguration,
  programDeployment,
  programMetrics,
} from "./healthy.ts";

/** The defect, the check that reports it, its state, and what the message must contain. */
export type Broken = readonly [what: string, change: Partial<Facts>, id: string, state: CheckState, message: RegExp];

export const withDeployments = (...list: Parameters<typeof readInstalled>[0]): Partial<Facts> => ({
  deployments: knownFact(list),
  installed: knownFact(readInstalled(list, [COMMON])),
});
export const registered = (change: object): Partial<Facts> => ({
  webhookConfigurations: knownFact([ownConfiguration(change)]),
});
export const annotated = (annotations: Record<string, string>): Partial<Facts> => ({
  namespaces: knownFact([{ metadata: { ...HEALTHY_NAMESPACE.metadata, annotations } }]),
  pods: knownFact([]),
});
export const serverReports = (change: Readonly<Record<string, number | string>>): Partial<Facts> => ({
  pages: [{ program: "server", pod: "podrole-server-1", samples: knownFact(programMetrics("server", change)) }],
});
export const rightAnswered = (
  who: "server" | "webhook",
  verb: string,
  resource: string,
  allowed: boolean,
): Partial<Facts> => ({
  programRights: healthyFacts().programRights.map((judged) => {
    const { right } = judged;
    const isIt = right.who === who && right.verb === verb && right.resource === resource;
    return isIt ? { right, allowed: knownFact(allowed) } : judged;
  }),
});
/** The guard of podrole's annotations with other fields in the policy's or the binding's spec. */
export function guardWith(policy: object, binding: object = {}): Partial<Facts> {
  const { policies, bindings } = structuredClone(admissionPolicies());
  for (const { spec } of policies) Object.assign(spec, policy);
  for (const { spec } of bindings) Object.assign(spec, binding);
  return { admissionPolicies: knownFact({ policies, bindings }) };
}
/** Both programs have --pin-roles; running pods were injected before. */
export const withPinnedRoles = (): Partial<Facts> => withCommonSetting({ PODROLE_PIN_ROLES: "true" });
/** Both programs have this value of --pod-certificates. */
export const certifying = (value: "auto" | "on" | "off"): Partial<Facts> => ({
  ...withCommonSetting({ PODROLE_POD_CERTIFICATES: value }),
  publishedPodCertificates: knownFact(value === "off" ? undefined : "on"),
});
/** With --pod-certificates=auto, the server has published this. */
export const published = (value: "on" | "off" | undefined): Partial<Facts> => ({
  ...certifying("auto"),
  publishedPodCertificates: knownFact(value),
});
/** Only the webhook has --pod-certificates=auto. */
export const withAutoWebhookAlone = (): Partial<Facts> =>
  withWebhookSetting({ name: "PODROLE_POD_CERTIFICATES", value: "auto" });
export const withOlderNode = (): Partial<Facts> => ({
  kubelets: knownFact([
    { node: "node-1", version: "v1.37.2", isSchedulable: true },
    { node: "node-2", version: "v1.36.4", isSchedulable: true },
  ]),
});
/** Pods of the namespace get a pod certificate, whatever the webhook's setting is. */
export const withCertifiedNamespace = (): Partial<Facts> => {
  const { metadata } = HEALTHY_NAMESPACE;
  const annotations = { ...metadata.annotations, "podrole.io/pod-certificates": "enabled" };
  return { namespaces: knownFact([{ metadata: { ...metadata, annotations } }]) };
};
function withCommonSetting(setting: Readonly<Record<string, string>>): Partial<Facts> {
  const common = { ...COMMON, data: { ...COMMON.data, ...setting } };
  return { installed: knownFact(readInstalled([programDeployment("server"), programDeployment("webhook")], [common])) };
}
export const withServerSetting = (env: { name: string; value: string }): Partial<Facts> => withServerSettings([env]);
export const withServerSettings = (env: readonly { name: string; value: string }[]): Partial<Facts> => {
  const server = programDeployment("server");
  server.spec.template.spec.containers[0]?.env?.push(...env);
  return withDeployments(server, programDeployment("webhook"));
};
export const withWebhookSetting = (env: { name: string; value: string }): Partial<Facts> => {
  const webhook = programDeployment("webhook");
  webhook.spec.template.spec.containers[0]?.env?.push(env);
  return withDeployments(programDeployment("server"), webhook);
};
export const withoutWebhookSetting = (name: string): Partial<Facts> => {
  const webhook = programDeployment("webhook");
  const [container] = webhook.spec.template.spec.containers;
  if (container) container.env = (container.env ?? []).filter((variable) => variable.name !== name);
  return withDeployments(programDeployment("server"), webhook);
};
export const onOneNode = (): Partial<Facts> => {
  const { ownPods } = healthyFacts();
  const pods = "value" in ownPods ? ownPods.value : [];
  for (const pod of pods) pod.spec.nodeName = "node-1";
  return { ownPods: knownFact(pods) };
};
