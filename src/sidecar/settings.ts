// The sidecar's settings, which the pod spec passes to podrole's containers. Paths and addresses have no default: the
// webhook writes every one of them, so that the pod spec alone shows where things are.
import { LOG_LEVELS } from "../runtime/line-log.ts";
import {
  address,
  duration,
  flag,
  flagName,
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
  expects: "container names, separated by commas and without duplicates",
  placeholder: "name,…",
  parse(value) {
    const names = list.parse(value);
    const valid = names?.every((name) => CONTAINER_NAME.test(name)) && new Set(names).size === names.length;
    return valid ? names : undefined;
  },
};

const certificates: Parser<string> = {
  expects: "one or more certificates in PEM",
  placeholder: "pem",
  parse: (value) => (value.includes("-----BEGIN CERTIFICATE-----") ? value : undefined),
};

/** Value of a pod label. The downward API passes an empty string if the pod lacks the label. */
const label: Parser<string> = {
  expects: "at most 63 letters, digits, dots, dashes and underscores, or an empty string",
  placeholder: "text",
  parse: (value) => (/^[A-Za-z0-9._-]{0,63}$/.test(value) ? value : undefined),
};

/**
 * Variables of podrole-sidecar that other programs read: the server reads the pin from the pod's spec (--pin-roles).
 */
export const VARIABLES_FOR_OTHERS: readonly string[] = ["PODROLE_PINNED_ROLES"];

/** Settings of the modes serve, init and renew. */
export const SIDECAR_SETTINGS = {
  serverAddress: { type: address, help: "Connect to the server's credentials port at this address" },
  identityAddress: { type: address, help: "Connect to the server's identity port at this address" },
  certificateFile: {
    type: text,
    placeholder: "file",
    default: null,
    unset: "the identity port issues the certificate",
    help: "Read the pod's key and certificate, which the kubelet keeps current, from this file (pod certificates of Kubernetes 1.37)",
  },
  trustBundleFile: {
    type: text,
    placeholder: "file",
    default: null,
    unset: "--trust-bundle and what the server sends later",
    help: "With --certificate-file: read the CA certificates to trust, which the kubelet keeps current, from this file",
  },
  serverName: {
    type: text,
    placeholder: "name",
    default: null,
    unset: "the host of each address",
    help: "Require this name in the server's certificate",
  },
  trustBundle: {
    type: certificates,
    default: null,
    unset: "those in --trust-bundle-file",
    help: "Trust these CA certificates as issuers of the server's certificate",
  },
  proofFile: {
    type: text,
    placeholder: "file",
    default: null,
    unset: "--certificate-file proves the pod",
    help: "Read this pod's projected ServiceAccount token, with the audience podrole.io, from this file",
  },
  identityDirectory: {
    type: text,
    placeholder: "directory",
    help: "Store key, certificate and credentials in this in-memory directory, which only podrole's containers mount",
  },
  tokensDirectory: {
    type: text,
    placeholder: "directory",
    help: "Store one authorization token per container in this in-memory directory",
  },
  containers: { type: containerNames, help: "Serve credentials to these containers of the pod" },
  podName: { type: text, placeholder: "name", help: "Use this name of the pod in log lines and messages" },
  podNamespace: {
    type: text,
    placeholder: "namespace",
    help: "Use this namespace of the pod in log lines and messages",
  },
  port: {
    type: port,
    default: "9763",
    help: "Serve the credentials endpoint at this port, on loopback addresses only",
  },
  healthPort: { type: port, default: "9764", help: "Serve /healthz, /readyz and /metrics at this port" },
  initTimeout: {
    type: duration,
    default: "5m",
    help: "In mode init, retry for credentials for at most this time while errors are retryable; in mode wait, wait for the sidecar for at most this time",
  },
  terminationMessageFile: {
    type: text,
    placeholder: "file",
    default: null,
    help: "If the pod never receives credentials, write the reason to this file, so that kubectl describe pod shows it",
  },
  startHook: {
    type: flag,
    default: "false",
    help: "Let the postStart hook (mode wait, in the same container) do the first renewal; otherwise a child process does it",
  },
  appGrace: {
    type: duration,
    default: "0s",
    help: "After SIGTERM, keep serving for up to this time while other containers of the pod have TCP sockets: in classic mode, the app may still be ending",
  },
  metadata: {
    type: flag,
    default: "false",
    help: "Also serve the metadata paths, which are paths of the EC2 instance metadata service",
  },
  metadataV1: {
    type: flag,
    default: "false",
    help: "Also serve the metadata paths to requests without a token (IMDSv1)",
  },
  region: {
    type: label,
    placeholder: "region",
    default: "",
    help: "Return this AWS region from the metadata paths; if it is empty, placement/region returns 404",
  },
  zone: {
    type: label,
    placeholder: "zone",
    default: "",
    help: "Return this availability zone from the metadata paths; if it is empty, placement/availability-zone returns 404",
  },
  level: { type: oneOf(LOG_LEVELS), default: "info", help: "Log messages of this level and above" },
} as const satisfies SettingTable;

/** Values of the sidecar's settings; durations in milliseconds. */
export type SidecarSettings = Settings<typeof SIDECAR_SETTINGS>;

/**
 * Returns a text if the settings are neither those of a token nor those of a certificate, by which a pod proves itself:
 * each needs its own form of the trust bundle. Empty if they are.
 */
export function findProofProblems(settings: SidecarSettings): readonly string[] {
  const { proofFile, trustBundle, certificateFile, trustBundleFile } = settings;
  const isByToken =
    proofFile !== undefined && trustBundle !== undefined && (certificateFile ?? trustBundleFile) === undefined;
  const isByCertificate =
    certificateFile !== undefined && trustBundleFile !== undefined && (proofFile ?? trustBundle) === undefined;
  if (isByToken || isByCertificate) return [];
  const expected = "expected --proof-file and --trust-bundle, or --certificate-file and --trust-bundle-file";
  const set = Object.entries({ proofFile, trustBundle, certificateFile, trustBundleFile }).filter(([, value]) => value);
  const flags = set.map(([key]) => `--${flagName(key)}`);
  return [`the proof of the pod: ${flags.join(", ") || "none"} set; ${expected}`];
}

/** Settings of the mode wait. */
export const WAIT_SETTINGS = {
  identityDirectory: SIDECAR_SETTINGS.identityDirectory,
  containers: SIDECAR_SETTINGS.containers,
  port: SIDECAR_SETTINGS.port,
  initTimeout: SIDECAR_SETTINGS.initTimeout,
  startHook: SIDECAR_SETTINGS.startHook,
  level: SIDECAR_SETTINGS.level,
} as const satisfies SettingTable;

/** Values of the settings of the mode wait; durations in milliseconds. */
export type WaitSettings = Settings<typeof WAIT_SETTINGS>;
