// The webhook's settings: how it serves and what it injects; policy settings are the same as the server's.
import { parseQuantity } from "../kubernetes/quantity.ts";
import { POLICY_SETTINGS } from "../policy/settings-table.ts";
import { COMMON_SETTINGS } from "../runtime/common-settings.ts";
import type { Settings } from "../runtime/settings.ts";
import * as type from "../runtime/settings.ts";

const quantity: type.Parser<string> = {
  expects: 'a Kubernetes quantity such as "100m" or "96Mi"',
  parse: (text) => (/^\d/.test(text) && parseQuantity(text) !== undefined ? text : undefined),
};

const userId: type.Parser<number | "none"> = {
  expects: 'a numeric user id above 0, or "none" to leave it to the cluster (OpenShift)',
  parse: (text) => (text === "none" ? "none" : type.integer(1, 2_147_483_647).parse(text)),
};

const command: type.Parser<readonly string[]> = {
  expects: `${type.list.expects}, or "none"`,
  parse: (text) => (text === "none" ? [] : type.list.parse(text)),
};

export const WEBHOOK_SETTINGS = {
  ...COMMON_SETTINGS,
  ...POLICY_SETTINGS,
  bind: { type: type.address, default: "[::]:9443", help: "Address of /mutate (HTTPS)" },
  pagesBind: { type: type.address, default: "[::]:8080", help: "Address of /metrics, /healthz and /readyz (HTTP)" },
  serverAddress: {
    type: type.text,
    default: "podrole-server.podrole.svc:8444",
    help: "host:port of the server's credentials port, as pods reach it",
  },
  identityAddress: {
    type: type.text,
    default: "podrole-server.podrole.svc:8443",
    help: "host:port of the server's identity port, as pods and this webhook reach it",
  },
  serverName: {
    type: type.text,
    default: "podrole-server.podrole.svc",
    help: "Name that the server's certificate must carry",
  },
  proofFile: {
    type: type.text,
    default: "/var/run/podrole/proof/token",
    help: "This webhook's own projected ServiceAccount token, audience podrole.io",
  },
  trustConfigMap: {
    type: type.namespacedName,
    default: "podrole/podrole-trust",
    help: "ConfigMap that publishes the trust bundle; its namespace is podrole's own and never injected",
  },
  sidecarImage: {
    type: type.text,
    default: "podrole-sidecar:0.1.0",
    help: "Image of podrole's containers",
  },
  sidecarUser: { type: userId, default: "65532", help: "User id of podrole's containers, or none" },
  sidecarMemory: { type: quantity, default: "96Mi", help: "Memory limit of podrole's containers" },
  sidecarMemoryRequest: { type: quantity, default: "32Mi", help: "Memory request, unless the pod is Guaranteed" },
  sidecarCpu: {
    type: quantity,
    default: "500m",
    help: "CPU limit of podrole's containers, unless the pod is Guaranteed",
  },
  sidecarCpuRequest: { type: quantity, default: "10m", help: "CPU request, unless the pod is Guaranteed" },
  sidecarGuaranteedCpu: { type: quantity, default: "100m", help: "CPU of podrole-sidecar in a Guaranteed pod" },
  sidecarCommand: {
    type: command,
    default: "node,--lite-mode,/podrole/main.cjs",
    help: "Entrypoint of the sidecar image, for the hook that holds the other containers back; none: no hook, a native sidecar then holds them back with a startup probe, a second slower",
  },
  nativeSidecar: {
    type: type.oneOf(["auto", "true", "false"]),
    default: "auto",
    help: "Inject a native sidecar; auto: when the API server is 1.29 or newer",
  },
  region: { type: type.text, default: null, help: "AWS_REGION and AWS_DEFAULT_REGION of pods that set neither" },
} as const satisfies type.SettingTable;

export type WebhookSettings = Settings<typeof WEBHOOK_SETTINGS>;
