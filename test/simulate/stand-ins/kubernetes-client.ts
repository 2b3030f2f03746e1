// Stand-in for createKubernetes() of src/kubernetes/client.ts: the path of the kubeconfig is the program's host name.
import type { KubernetesClient, KubernetesOptions } from "../../../src/kubernetes/client.ts";
import { surroundingsOf } from "../surroundings.ts";

export function createKubernetes({ kubeconfigPath = "" }: KubernetesOptions): KubernetesClient {
  return surroundingsOf(kubeconfigPath).kubernetes();
}
