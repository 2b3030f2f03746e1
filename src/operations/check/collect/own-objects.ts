// Reads the objects that podrole's installation consists of.
import { kubeletOf } from "../../../kubernetes/kubelets.ts";
import type { ConfigMap, Pod } from "../../../kubernetes/objects.ts";
import type { OperatorKubernetes } from "../../../kubernetes/operator.ts";
import { servesPodCertificates } from "../../../kubernetes/pod-certificate-api.ts";
import { type Deployment, readInstalled } from "../../installed.ts";
import { allKnown, deriveKnown, readKnown } from "../../known.ts";
import type { ReplicaSetObject } from "../../replica-count.ts";
import type { Facts } from "../facts.ts";

/** Facts about podrole's own namespace, and about the nodes that its replicas may run on. */
export type OwnObjects = Pick<
  Facts,
  | "ownNamespace"
  | "servesPodCertificates"
  | "kubelets"
  | "deployments"
  | "ownPods"
  | "ownReplicaSets"
  | "budgets"
  | "installed"
>;

/** Reads them one after the other; a fact that may not be read carries the reason. */
export async function readOwnObjects(kubernetes: OperatorKubernetes, namespace: string): Promise<OwnObjects> {
  const inOwn = { namespace };
  const ownNamespace = await readKnown(() => kubernetes.getNamespace(namespace));
  const served = await readKnown(() => servesPodCertificates(kubernetes));
  const kubelets = await readKnown(() => kubernetes.listProjected("nodes", kubeletOf));
  const deployments = await readKnown(() => kubernetes.listAll<Deployment>("deployments", inOwn));
  const configMaps = await readKnown(() => kubernetes.listAll<ConfigMap>("configmaps", inOwn));
  const ownPods = await readKnown(() => kubernetes.listAll<Pod>("pods", inOwn));
  const ownReplicaSets = await readKnown(() => kubernetes.listAll<ReplicaSetObject>("replicasets", inOwn));
  const budgets = await readKnown(() => kubernetes.listAll<never>("poddisruptionbudgets", inOwn));
  const installed = deriveKnown(allKnown({ deployments, configMaps }), (read) =>
    readInstalled(read.deployments, read.configMaps),
  );
  return {
    ownNamespace,
    servesPodCertificates: served,
    kubelets,
    deployments,
    ownPods,
    ownReplicaSets,
    budgets,
    installed,
  };
}

/** Reads the policies that guard podrole's annotations, with those of others. */
export function readAdmissionPolicies(kubernetes: OperatorKubernetes): Promise<Facts["admissionPolicies"]> {
  return readKnown(async () => ({
    policies: await kubernetes.listAll<never>("validatingadmissionpolicies"),
    bindings: await kubernetes.listAll<never>("validatingadmissionpolicybindings"),
  }));
}
