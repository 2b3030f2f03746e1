// The API server's ServiceAccount admission plugin: it gives every pod a ServiceAccount and every container the volume
// with the API token, including containers that a webhook added (the plugin runs again after them).
// (https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#serviceaccount-admission-controller)
import { randomBytes } from "node:crypto";
import type { Container, Pod, Volume } from "../../src/kubernetes/objects.ts";
import type { KubeObject } from "./objects.ts";
import { resourceNamed } from "./resources.ts";
import { forbiddenRequest } from "./status.ts";
import type { Store } from "./store.ts";

const MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount";
const VOLUME_PREFIX = "kube-api-access-";

/** Throws Forbidden if the ServiceAccount does not exist. `mountTokens: false` omits the volume with the API token. */
export function withServiceAccount(
  { store, mountTokens }: { readonly store: Store; readonly mountTokens: boolean },
  pod: KubeObject,
): KubeObject {
  const { spec } = pod as unknown as Pod;
  const { name: podName = "", namespace = "" } = pod.metadata;
  const name = spec.serviceAccountName || "default";
  const account = store.find("serviceaccounts", namespace, name);
  if (account === undefined) {
    const why = `error looking up service account ${namespace}/${name}: serviceaccount "${name}" not found`;
    throw forbiddenRequest(resourceNamed("pods"), podName, why);
  }
  const named = { ...spec, serviceAccountName: name, serviceAccount: name };
  const requested = spec["automountServiceAccountToken"] ?? account["automountServiceAccountToken"] ?? true;
  return { ...pod, spec: mountTokens && requested === true ? withTokenVolume(named) : named };
}

function withTokenVolume(spec: Pod["spec"]): Pod["spec"] {
  const present = spec.volumes?.find((volume) => volume.name.startsWith(VOLUME_PREFIX))?.name;
  const name = present ?? VOLUME_PREFIX + randomBytes(3).toString("hex").slice(0, 5);
  const { containers, initContainers = [], volumes = [] } = spec;
  const isMissing = ({ volumeMounts = [] }: Container) =>
    volumeMounts.every(({ mountPath }) => mountPath !== MOUNT_PATH);
  if (![...containers, ...initContainers].some(isMissing)) return spec;
  const mounted = (container: Container): Container =>
    isMissing(container)
      ? {
          ...container,
          volumeMounts: [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath: MOUNT_PATH }],
        }
      : container;
  return {
    ...spec,
    volumes: present === undefined ? [...volumes, tokenVolume(name)] : volumes,
    ...(initContainers.length > 0 && { initContainers: initContainers.map(mounted) }),
    containers: containers.map(mounted),
  };
}

function tokenVolume(name: string): Volume {
  const namespace = { path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } };
  return {
    name,
    projected: {
      sources: [
        // A lifetime of exactly 3607 s marks the token whose lifetime the API server extends.
        { serviceAccountToken: { expirationSeconds: 3607, path: "token" } },
        { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
        { downwardAPI: { items: [namespace] } },
      ],
      defaultMode: 420,
    },
  };
}
