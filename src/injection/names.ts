// Names, paths and ports of what injection adds to a pod. podrole's containers learn them from the pod spec's
// environment; nothing below is a default of theirs.

export const NAMES = {
  /** Classic mode; in native mode only in pods that an earlier version injected. */
  init: "podrole-init",
  sidecar: "podrole-sidecar",
  /** Projected ServiceAccount token: the proof of this pod. Only in podrole's containers. */
  proofVolume: "podrole-proof",
  /** Key, certificate and credentials. Only in podrole's containers. */
  identityVolume: "podrole-identity",
  /** One directory a container; each container sees its own alone. */
  tokensVolume: "podrole-tokens",
} as const;

export const VOLUME_NAMES: readonly string[] = [NAMES.proofVolume, NAMES.identityVolume, NAMES.tokensVolume];

export const PATHS = {
  proof: "/var/run/podrole/proof",
  identity: "/var/run/podrole/identity",
  tokens: "/var/run/podrole/tokens",
  /** Where a container finds its own authorization token. */
  tokenInContainer: "/var/run/secrets/podrole.io",
  /** Kubernetes' default for terminationMessagePath, written out because podrole's containers are told to write there. */
  terminationMessage: "/dev/termination-log",
} as const;

export const INJECTED_LABEL_VALUE = "true";

export function isPodroleContainer({ name }: { readonly name: string }): boolean {
  return name === NAMES.init || name === NAMES.sidecar;
}
