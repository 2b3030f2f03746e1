// Environment variables of podrole's own containers: everything that the sidecar's settings need to know about the pod
// and the cluster. The names are flags of the sidecar (src/sidecar/settings.ts).
import type { EnvVar } from "../kubernetes/objects.ts";
import { PIN_VARIABLE } from "../policy/pin.ts";
import { MOUNT_PATHS } from "./names.ts";
import { PROOF_PATHS } from "./pod-certificates.ts";
import type { SidecarPorts } from "./ports.ts";

/** What podrole's containers need to know about the cluster. */
export interface PodroleEnvSettings {
  /** host:port of the server's credentials port, as pods reach it. */
  readonly serverAddress: string;
  /** host:port of the server's identity port, as pods reach it. */
  readonly identityAddress: string;
  /** DNS name that the server's certificate must carry. */
  readonly serverName: string;
  /** Concatenated PEM of the CAs to trust. */
  readonly trustBundle: string;
  /** True for a pod certificate (Kubernetes 1.37) in place of a ServiceAccount token and the bundle here. */
  readonly podCertificates: boolean;
  /** AWS region of pods that set none; undefined if unknown. */
  readonly region: string | undefined;
}

/**
 * What holds the pod's other containers back: the sidecar's postStart hook; podrole-init, which starts after the
 * sidecar; or a startup probe. The first two also do the first renewal.
 */
export type StartGate = "hook" | "init" | "probe";

/** What podrole's containers need to know about the pod. */
export interface PodroleEnvPlan {
  /** Names of the containers that get credentials. */
  readonly withRole: readonly string[];
  readonly ports: SidecarPorts;
  /** Instance metadata paths: none, with a session token (IMDSv2), or also without one (IMDSv1). */
  readonly metadata: "off" | "v2" | "v1";
  /** What the webhook decided; undefined without --pin-roles. */
  readonly pin: string | undefined;
  /** What delays the next container until credentials are present. */
  readonly gate: StartGate;
  /** How long the sidecar may serve after SIGTERM; above 0 only in classic mode. */
  readonly appGraceSeconds: number;
}

/** Variables of both podrole-init and podrole-sidecar. */
export function podroleEnv(plan: PodroleEnvPlan, settings: PodroleEnvSettings): readonly EnvVar[] {
  return [
    ...installationEnv(settings),
    ...(settings.podCertificates ? [] : [{ name: "PODROLE_PROOF_FILE", value: PROOF_PATHS.token }]),
    { name: "PODROLE_IDENTITY_DIRECTORY", value: MOUNT_PATHS.identity },
    { name: "PODROLE_TOKENS_DIRECTORY", value: MOUNT_PATHS.tokens },
    containersVariable(plan),
    // Set in every container of podrole's, because for a Service named "podrole" Kubernetes sets PODROLE_PORT to a URL.
    // (https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables)
    { name: "PODROLE_PORT", value: String(plan.ports.credentials) },
    { name: "PODROLE_HEALTH_PORT", value: String(plan.ports.health) },
    { name: "PODROLE_POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
    { name: "PODROLE_POD_NAMESPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } },
    // `kubectl describe pod` shows the content of this file: the reason for missing credentials.
    { name: "PODROLE_TERMINATION_MESSAGE_FILE", value: MOUNT_PATHS.terminationMessage },
  ];
}

/** Variables by which podrole's containers know the installation that they belong to, and the kind of their proof. */
export function installationEnv(settings: PodroleEnvSettings): readonly Required<Pick<EnvVar, "name" | "value">>[] {
  return [
    { name: "PODROLE_SERVER_ADDRESS", value: settings.serverAddress },
    { name: "PODROLE_IDENTITY_ADDRESS", value: settings.identityAddress },
    { name: "PODROLE_SERVER_NAME", value: settings.serverName },
    ...(settings.podCertificates
      ? [
          { name: "PODROLE_CERTIFICATE_FILE", value: PROOF_PATHS.certificate },
          { name: "PODROLE_TRUST_BUNDLE_FILE", value: PROOF_PATHS.bundle },
        ]
      : [{ name: "PODROLE_TRUST_BUNDLE", value: settings.trustBundle }]),
  ];
}

/** Variables of podrole-sidecar alone: its hook, the instance metadata paths if the pod requests them, and the pin. */
export function sidecarEnv(plan: PodroleEnvPlan, settings: PodroleEnvSettings): readonly EnvVar[] {
  const hook = plan.gate === "probe" ? [] : [{ name: "PODROLE_START_HOOK", value: "true" }];
  const grace = plan.appGraceSeconds > 0 ? [{ name: "PODROLE_APP_GRACE", value: `${plan.appGraceSeconds}s` }] : [];
  return [...hook, ...grace, ...metadataVariables(plan, settings), ...pinVariable(plan)];
}

/** The pod's pin, for the server: the sidecar does not read it. */
function pinVariable({ pin }: Pick<PodroleEnvPlan, "pin">): readonly EnvVar[] {
  return pin === undefined ? [] : [{ name: PIN_VARIABLE, value: pin }];
}

function metadataVariables({ metadata }: PodroleEnvPlan, { region }: PodroleEnvSettings): readonly EnvVar[] {
  if (metadata === "off") return [];
  // From 1.35 on, Kubernetes copies these labels from the node to its pods (PodTopologyLabelsAdmission); before, the
  // variables are empty.
  const label = (name: string) => ({ valueFrom: { fieldRef: { fieldPath: `metadata.labels['${name}']` } } });
  return [
    { name: "PODROLE_METADATA", value: "true" },
    ...(metadata === "v1" ? [{ name: "PODROLE_METADATA_V1", value: "true" }] : []),
    { name: "PODROLE_REGION", ...(region === undefined ? label("topology.kubernetes.io/region") : { value: region }) },
    { name: "PODROLE_ZONE", ...label("topology.kubernetes.io/zone") },
  ];
}

/** Names the containers that the sidecar serves. */
function containersVariable({ withRole }: Pick<PodroleEnvPlan, "withRole">): EnvVar {
  return { name: "PODROLE_CONTAINERS", value: withRole.join(",") };
}
