// Names, paths and label values that injection adds to a pod. podrole's containers read them from the environment
// variables in the pod spec; none of them is a built-in default of those containers.
import { OWN_CONTAINERS } from "../policy/facts.ts";

/** Containers and volumes that belong to podrole. */
export const PODROLE_NAMES = {
  ...OWN_CONTAINERS,
  /** Projected ServiceAccount token that proves which pod this is. Mounted only in podrole's containers. */
  proofVolume: "podrole-proof",
  /** Private key, certificate and credentials. Mounted only in podrole's containers. */
  identityVolume: "podrole-identity",
  /** One directory for each container; a container mounts its own directory alone. */
  tokensVolume: "podrole-tokens",
} as const;

/** Every volume that injection adds. */
export const VOLUME_NAMES: readonly string[] = [
  PODROLE_NAMES.proofVolume,
  PODROLE_NAMES.identityVolume,
  PODROLE_NAMES.tokensVolume,
];

/** Mount paths in podrole's containers; in the user's, `tokenInContainer` or `tokenBesideRun`. */
export const MOUNT_PATHS = {
  proof: "/var/run/podrole/proof",
  identity: "/var/run/podrole/identity",
  tokens: "/var/run/podrole/tokens",
  /** Where the API server's ServiceAccount plugin mounts a token for its own API, unless something is mounted there. */
  apiToken: "/var/run/secrets/kubernetes.io/serviceaccount",
  /** Directory in which a container finds its own authorization token. */
  tokenInContainer: "/var/run/secrets/podrole.io",
  /** The same directory where something read-only is mounted at /var/run or around it. */
  tokenBesideRun: "/podrole.io",
  /** Kubernetes' default for terminationMessagePath, set explicitly because podrole's containers write to it. */
  terminationMessage: "/dev/termination-log",
} as const;

/** Annotation by which kubectl exec and logs choose a container; without it they use the first one. */
export const DEFAULT_CONTAINER_ANNOTATION = "kubectl.kubernetes.io/default-container";
