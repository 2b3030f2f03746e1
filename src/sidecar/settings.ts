// What podrole's containers are told by the pod spec. Paths and addresses have no default: the webhook writes every one
// of them, so that the spec alone says where things are.
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

/** Names of containers are DNS labels (RFC 1123), which also makes them safe as names of directories. */
const CONTAINER_NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

const containerNames: Parser<readonly string[]> = {
  expects: "names of containers separated by commas, each once",
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

/** Labels of a pod that it may lack: the downward API then gives an empty text. */
const label: Parser<string> = {
  expects: "letters, digits, dots, dashes and underscores, 63 at most, or nothing",
  parse: (value) => (/^[A-Za-z0-9._-]{0,63}$/.test(value) ? value : undefined),
};

export const SIDECAR_SETTINGS = {
  serverAddress: { type: address, help: "host:port of the server's credentials port" },
  identityAddress: { type: address, help: "host:port of the server's identity port" },
  serverName: {
    type: text,
    default: null,
    help: "Name that the server's certificate must carry; by default the host of each address",
  },
  trustBundle: { type: certificates, help: "CA certificates that the server's certificate may come from" },
  proofFile: { type: text, help: "File with this pod's projected ServiceAccount token, audience podrole.io" },
  identityDirectory: {
    type: text,
    help: "Directory in memory, of podrole's containers alone, for key, certificate and credentials",
  },
  tokensDirectory: { type: text, help: "Directory in memory with an authorization token for each container" },
  containers: { type: containerNames, help: "Containers of this pod that get credentials" },
  podName: { type: text, help: "This pod's name, for the log" },
  podNamespace: { type: text, help: "This pod's namespace, for the log" },
  port: { type: port, default: "9763", help: "Port of the credentials endpoint, on loopback only" },
  healthPort: { type: port, default: "9764", help: "Port of /healthz, /readyz and /metrics" },
  initTimeout: {
    type: duration,
    default: "5m",
    help: "How long init waits for what may pass (classic mode), and wait for the sidecar",
  },
  terminationMessageFile: {
    type: text,
    default: null,
    help: "Where init and serve write why there were never credentials, for kubectl describe",
  },
  metadata: { type: flag, default: "false", help: "Answer the paths of the instance metadata service as well" },
  metadataV1: { type: flag, default: "false", help: "Answer those paths without a token too (IMDSv1)" },
  region: { type: label, default: "", help: "AWS region that those paths name; empty: they know none" },
  zone: { type: label, default: "", help: "Availability zone that those paths name; empty: they know none" },
  level: { type: oneOf(LOG_LEVELS), default: "info", help: "Lowest level that is logged" },
} as const satisfies SettingTable;

export type SidecarSettings = Settings<typeof SIDECAR_SETTINGS>;

/** All that `wait` needs. */
export const WAIT_SETTINGS = {
  healthPort: SIDECAR_SETTINGS.healthPort,
  initTimeout: SIDECAR_SETTINGS.initTimeout,
  level: SIDECAR_SETTINGS.level,
} as const satisfies SettingTable;

export type WaitSettings = Settings<typeof WAIT_SETTINGS>;
