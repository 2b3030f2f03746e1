// The sidecar's settings, which the pod spec passes to podrole's containers. Paths and addresses have no default: the
// webhook writes every one of them, so that the pod spec alone shows where things are.
import { LOG_LEVELS } from "../runtime/line-log.ts";
import {
  address,
  duration,
  flag,
  list,
  oneOf,
  type Parser,
  port,
  type Settings,
  type SettingTable,
  text,
} from "../runtime/settings.ts";

/** Container names are DNS labels (RFC 1123), which also makes them safe as directory names. */
const CONTAINER_NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

const containerNames: Parser<readonly string[]> = {
  expects: "a comma-separated list of different container names",
  parse(value) {
    const names = list.parse(value);
    const valid = names?.every((name) => CONTAINER_NAME.test(name)) && new Set(names).size === names.length;
    return valid ? names : undefined;
  },
};

const certificates: Parser<string> = {
  expects: "one or more certificates in PEM",
  parse: (value) => (value.includes("-----BEGIN CERTIFICATE-----") ? value : undefined),
};

/** Value of a pod label. The downward API passes an empty string if the pod lacks the label. */
const label: Parser<string> = {
  expects: "at most 63 letters, digits, dots, dashes and underscores, or an empty string",
  parse: (value) => (/^[A-Za-z0-9._-]{0,63}$/.test(value) ? value : undefined),
};

/** Settings of the modes serve, init and renew. */
export const SIDECAR_SETTINGS = {
  serverAddress: { type: address, help: "Address of the server's credentials port" },
  identityAddress: { type: address, help: "Address of the server's identity port" },
  serverName: {
    type: text,
    default: null,
    help: "Name to expect in the server's certificate; by default the host of each address",
  },
  trustBundle: { type: certificates, help: "CA certificates to trust as issuers of the server's certificate" },
  proofFile: { type: text, help: "File with this pod's projected ServiceAccount token, audience podrole.io" },
  identityDirectory: {
    type: text,
    help: "In-memory directory for key, certificate and credentials, mounted by podrole's containers only",
  },
  tokensDirectory: { type: text, help: "In-memory directory for one authorization token per container" },
  containers: { type: containerNames, help: "Containers of this pod that receive credentials" },
  podName: { type: text, help: "Name of this pod, for log lines and messages" },
  podNamespace: { type: text, help: "Namespace of this pod, for log lines and messages" },
  port: { type: port, default: "9763", help: "Port of the credentials endpoint, on loopback addresses only" },
  healthPort: { type: port, default: "9764", help: "Port of /healthz, /readyz and /metrics" },
  initTimeout: {
    type: duration,
    default: "5m",
    help: "Time limit of init (classic mode) for credentials while errors are retryable, and of wait for the sidecar",
  },
  terminationMessageFile: {
    type: text,
    default: null,
    help: "File for the reason why the pod never received credentials, which kubectl describe pod shows",
  },
  metadata: { type: flag, default: "false", help: "Serve paths of the EC2 instance metadata service as well" },
  metadataV1: { type: flag, default: "false", help: "Serve those paths to requests without a token too (IMDSv1)" },
  region: { type: label, default: "", help: "AWS region that those paths return; empty: they answer 404" },
  zone: { type: label, default: "", help: "Availability zone that those paths return; empty: they answer 404" },
  level: { type: oneOf(LOG_LEVELS), default: "info", help: "Lowest level to log" },
} as const satisfies SettingTable;

/** Values of the sidecar's settings; durations in milliseconds. */
export type SidecarSettings = Settings<typeof SIDECAR_SETTINGS>;

/** Settings of the mode wait. */
export const WAIT_SETTINGS = {
  identityDirectory: SIDECAR_SETTINGS.identityDirectory,
  containers: SIDECAR_SETTINGS.containers,
  port: SIDECAR_SETTINGS.port,
  initTimeout: SIDECAR_SETTINGS.initTimeout,
  level: SIDECAR_SETTINGS.level,
} as const satisfies SettingTable;

/** Values of the settings of the mode wait; durations in milliseconds. */
export type WaitSettings = Settings<typeof WAIT_SETTINGS>;
