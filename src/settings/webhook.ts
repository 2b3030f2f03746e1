// The webhook's settings: how it serves and what it injects; policy settings are the same as the server's.
import { parseQuantity } from "../kubernetes/quantity.ts";
import { POLICY_SETTINGS } from "../policy/settings-table.ts";
import { COMMON_SETTINGS } from "../runtime/common-settings.ts";
import { isDnsSubdomain } from "../runtime/dns-names.ts";
import type { Settings } from "../runtime/settings.ts";
import * as type from "../runtime/settings.ts";

/** The address of a server, as it was written: injection copies it into pods. */
const serverAddressParser: type.Parser<string> = {
  expects: 'an address "host:port" such as "podrole-server.podrole.svc:8444"',
  placeholder: "host:port",
  parse(text) {
    const { port } = type.address.parse(text) ?? { port: 0 };
    // Without a host or with port 0 it is an address to listen at.
    return port === 0 || text.startsWith(":") ? undefined : text;
  },
};

const quantityParser: type.Parser<string> = {
  expects: 'a Kubernetes quantity such as "100m" or "96Mi"',
  placeholder: "quantity",
  parse: (text) => (/^\d/.test(text) && parseQuantity(text) !== undefined ? text : undefined),
};

/** Of podrole's containers: undefined for "none". */
const sizeParser: type.Parser<string> = {
  expects: `${quantityParser.expects}, or "none"`,
  placeholder: "quantity|none",
  parse: (text) => (text === "none" ? "none" : quantityParser.parse(text)),
};

const userIdParser: type.Parser<number | "none"> = {
  expects: 'a numeric user ID above 0, or "none"',
  placeholder: "uid|none",
  parse: (text) => (text === "none" ? "none" : type.wholeNumber(1, 2_147_483_647).parse(text)),
};

const groupIdParser: type.Parser<number | "none"> = {
  expects: 'a numeric group ID above 0, or "none"',
  placeholder: "gid|none",
  parse: (text) => userIdParser.parse(text),
};

const commandParser: type.Parser<readonly string[]> = {
  expects: `${type.list.expects}, or "none"`,
  placeholder: "program,argument,…|none",
  parse: (text) => (text === "none" ? [] : type.list.parse(text)),
};

const pullSecretsParser: type.Parser<readonly string[]> = {
  expects: 'names of Secrets, separated by commas, or "none"',
  placeholder: "name,…|none",
  parse(text) {
    const names = text === "none" ? [] : type.list.parse(text);
    return names?.every(isDnsSubdomain) ? names : undefined;
  },
};

/** Table of the webhook's flags and variables; help texts and docs/configuration.md are generated from it. */
export const WEBHOOK_SETTINGS = {
  ...type.group("Listening:", {
    bind: { type: type.address, default: "[::]:9443", help: "Serve /mutate (HTTPS) at this address" },
    pagesBind: {
      type: type.address,
      default: "[::]:8080",
      help: "Serve /metrics, /healthz and /readyz (HTTP) at this address",
    },
    apiServerCa: {
      type: type.text,
      placeholder: "file",
      default: null,
      unset: "none, so every caller is served",
      help: "Serve /mutate only to callers with a client certificate of a CA in this file (PEM); the webhook reads the file again every minute",
    },
    apiServerName: {
      type: type.text,
      placeholder: "name",
      default: null,
      unset: "any name",
      help: "Require this common name or DNS name in the client certificate that --api-server-ca demands",
    },
    apiServerCidrs: {
      type: type.cidrs,
      default: null,
      unset: "none, so every address has the same share",
      help: "The API server's addresses: when the webhook's port is full, connections from these addresses are not closed in favour of other addresses",
    },
  }),
  ...type.group("Server:", {
    serverAddress: {
      type: serverAddressParser,
      default: "podrole-server.podrole.svc:8444",
      help: "Let sidecars connect to the server's credentials port at this address",
    },
    identityAddress: {
      type: serverAddressParser,
      default: "podrole-server.podrole.svc:8443",
      help: "Let sidecars and this webhook connect to the server's identity port at this address",
    },
    serverName: {
      type: type.text,
      placeholder: "name",
      default: "podrole-server.podrole.svc",
      help: "Require this name in the server's certificate",
    },
  }),
  ...type.group("Sidecar:", {
    sidecarImage: {
      type: type.text,
      placeholder: "image",
      default: "podrole-sidecar:0.1.0",
      help: "Run podrole's containers from this image",
    },
    sidecarPullSecrets: {
      type: pullSecretsParser,
      default: "none",
      help: "Add these image pull secrets to injected pods, for the sidecar's image; each namespace with injected pods needs Secrets of these names. A Secret that is missing delays nothing if the image needs none",
    },
    nativeSidecar: {
      type: type.oneOf(["auto", "true", "false"]),
      default: "auto",
      help: "Inject a native sidecar (true) or a classic sidecar (false); auto injects a native sidecar if the API server's version is 1.29 or later",
    },
    podCertificates: {
      type: type.oneOf(["auto", "on", "off"]),
      default: "off",
      help: "Give injected pods a pod certificate of the kubelet's (Kubernetes 1.37) in place of a ServiceAccount token; the server must sign them (its --pod-certificates). With auto, pods get one while the server publishes that the cluster knows them. A namespace's annotation podrole.io/pod-certificates takes precedence",
    },
    sidecarUser: {
      type: userIdParser,
      default: "65532",
      help: "Run podrole's containers with this user ID; none leaves the user ID to the cluster, as OpenShift requires",
    },
    sidecarGroup: {
      type: groupIdParser,
      default: "65532",
      help: "Run podrole's containers with this primary group ID; none, or --sidecar-user none, leaves the group ID to the image and the cluster",
    },
    sidecarMemory: {
      type: sizeParser,
      default: "96Mi",
      help: "Set this memory limit, at least 48Mi, for podrole's containers. The annotations podrole.io/sidecar-memory-limit, …-memory-request, …-cpu-limit and …-cpu-request of a pod or a namespace replace this setting and the next three",
    },
    sidecarMemoryRequest: {
      type: sizeParser,
      default: "32Mi",
      help: "Set this memory request for podrole's containers; in a Guaranteed pod, the request equals the limit",
    },
    sidecarCpu: {
      type: sizeParser,
      default: "500m",
      help: "Set this CPU limit for podrole's containers in pods whose other containers all have one; in a Guaranteed pod, it applies only to podrole-init, which gets no more than the pod's own containers have",
    },
    sidecarCpuRequest: {
      type: sizeParser,
      default: "10m",
      help: "Set this CPU request for podrole's containers; in a Guaranteed pod, the request equals the limit",
    },
    sidecarGuaranteedCpu: {
      type: quantityParser,
      default: "100m",
      help: "Set this CPU request and limit for podrole-sidecar in a Guaranteed pod",
    },
    sidecarCommand: {
      type: commandParser,
      default: "node,--disable-sigusr1,--use-openssl-ca,--max-semi-space-size=1,/podrole/main.cjs",
      help: 'Use this command, the entrypoint of the sidecar image, in the postStart hook that holds back the other containers. With "none" there is no hook: a startup probe holds them back, which takes 1 s longer',
    },
    region: {
      type: type.text,
      placeholder: "region",
      default: null,
      unset: "the containers stay unchanged",
      help: "Set AWS_REGION and AWS_DEFAULT_REGION to this value in containers that set neither variable",
    },
  }),
  ...POLICY_SETTINGS,
  ...type.group("Certificates and trust:", {
    trustConfigMap: {
      type: type.namespacedName,
      default: "podrole/podrole-trust",
      help: "Read the trust bundle from this ConfigMap, and what --pod-certificates auto means now; pods in the ConfigMap's namespace, which is podrole's own, are never injected",
    },
    proofFile: {
      type: type.text,
      placeholder: "file",
      default: "/var/run/podrole/proof/token",
      help: "Read this webhook's projected ServiceAccount token, with the audience podrole.io, from this file",
    },
  }),
  ...COMMON_SETTINGS,
} as const satisfies type.SettingTable;

/** The parsed values of WEBHOOK_SETTINGS. */
export type WebhookSettings = Settings<typeof WEBHOOK_SETTINGS>;
