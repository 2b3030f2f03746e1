// The webhook's settings: how it serves and what it injects; policy settings are the same as the server's.
import { parseQuantity } from "../kubernetes/quantity.ts";
import { POLICY_SETTINGS } from "../policy/settings-table.ts";
import { COMMON_SETTINGS } from "../runtime/common-settings.ts";
import type { Settings } from "../runtime/settings.ts";
import * as type from "../runtime/settings.ts";

const quantity: type.Parser<string> = {
  expects: 'a Kubernetes quantity such as "100m" or "96Mi"',
  placeholder: "quantity",
  parse: (text) => (/^\d/.test(text) && parseQuantity(text) !== undefined ? text : undefined),
};

const userId: type.Parser<number | "none"> = {
  expects: 'a numeric user id above 0, or "none" to leave it to the cluster (OpenShift)',
  placeholder: "uid|none",
  parse: (text) => (text === "none" ? "none" : type.integer(1, 2_147_483_647).parse(text)),
};

const command: type.Parser<readonly string[]> = {
  expects: `${type.list.expects}, or "none"`,
  placeholder: "program,argument,…|none",
  parse: (text) => (text === "none" ? [] : type.list.parse(text)),
};

/** Table of the webhook's flags and variables; help texts and docs/configuration.md are generated from it. */
export const WEBHOOK_SETTINGS = {
  ...type.group("Listening:", {
    bind: { type: type.address, default: "[::]:9443", help: "Address of /mutate (HTTPS)" },
    pagesBind: { type: type.address, default: "[::]:8080", help: "Address of /metrics, /healthz and /readyz (HTTP)" },
  }),
  ...type.group("Server:", {
    serverAddress: {
      type: type.text,
      placeholder: "host:port",
      default: "podrole-server.podrole.svc:8444",
      help: "Credentials port of the server, as pods reach it",
    },
    identityAddress: {
      type: type.text,
      placeholder: "host:port",
      default: "podrole-server.podrole.svc:8443",
      help: "Identity port of the server, as pods and this webhook reach it",
    },
    serverName: {
      type: type.text,
      placeholder: "name",
      default: "podrole-server.podrole.svc",
      help: "Name that the server's certificate must contain",
    },
  }),
  ...type.group("Sidecar:", {
    sidecarImage: {
      type: type.text,
      placeholder: "image",
      default: "podrole-sidecar:0.1.0",
      help: "Image of podrole's containers",
    },
    nativeSidecar: {
      type: type.oneOf(["auto", "true", "false"]),
      default: "auto",
      help: "Inject a native sidecar; auto: if the API server is 1.29 or newer",
    },
    sidecarUser: {
      type: userId,
      default: "65532",
      help: "User ID of podrole's containers; none sets none, as OpenShift requires",
    },
    sidecarMemory: { type: quantity, default: "96Mi", help: "Memory limit of podrole's containers" },
    sidecarMemoryRequest: { type: quantity, default: "32Mi", help: "Memory request, unless the pod is Guaranteed" },
    sidecarCpu: {
      type: quantity,
      default: "500m",
      help: "CPU limit of podrole's containers, unless the pod is Guaranteed",
    },
    sidecarCpuRequest: { type: quantity, default: "10m", help: "CPU request, unless the pod is Guaranteed" },
    sidecarGuaranteedCpu: {
      type: quantity,
      default: "100m",
      help: "CPU request and limit of podrole-sidecar in a Guaranteed pod",
    },
    sidecarCommand: {
      type: command,
      default: "node,--lite-mode,/podrole/main.cjs",
      help: "Entrypoint of the sidecar image, for the postStart hook that delays the other containers; none: a native sidecar delays them with a startup probe instead, which takes a second longer",
    },
    region: {
      type: type.text,
      placeholder: "region",
      default: null,
      help: "AWS_REGION and AWS_DEFAULT_REGION of containers that set neither; by default none is set",
    },
  }),
  ...POLICY_SETTINGS,
  ...type.group("Certificates and trust:", {
    trustConfigMap: {
      type: type.namespacedName,
      default: "podrole/podrole-trust",
      help: "ConfigMap with the trust bundle; its namespace is podrole's own and is never injected",
    },
    proofFile: {
      type: type.text,
      placeholder: "file",
      default: "/var/run/podrole/proof/token",
      help: "Projected ServiceAccount token of this webhook, for the audience podrole.io",
    },
  }),
  ...COMMON_SETTINGS,
} as const satisfies type.SettingTable;

/** The parsed values of WEBHOOK_SETTINGS. */
export type WebhookSettings = Settings<typeof WEBHOOK_SETTINGS>;
