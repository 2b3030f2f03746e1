// Settings that mean the same in the server and in the webhook.
import { LOG_LEVELS } from "./line-log.ts";
import { duration, flag, group, oneOf, type SettingTable, text } from "./settings.ts";

/** The shared rows of both settings tables. */
export const COMMON_SETTINGS = {
  ...group("Certificates and trust:", {
    trustDomain: {
      type: text,
      placeholder: "domain",
      default: "cluster.local",
      help: "Use this trust domain in the SPIFFE IDs of pod certificates",
    },
    audience: {
      type: text,
      default: "podrole.io",
      help: "Use this audience for the ServiceAccount tokens that prove a pod's identity",
    },
  }),
  ...group("Kubernetes:", {
    kubeconfig: {
      type: text,
      placeholder: "file",
      default: null,
      unset: "the ServiceAccount of this pod",
      help: "Connect to the Kubernetes API with this kubeconfig file",
    },
  }),
  ...group("Shutdown:", {
    shutdownDelay: {
      type: duration,
      default: "0s",
      help: "Keep serving for this time after SIGTERM, while the removal of this replica's endpoint propagates",
    },
  }),
  ...group("Logging:", {
    level: {
      type: oneOf(LOG_LEVELS),
      default: "info",
      help: "Log messages of this level and above; audit records are always logged",
    },
    jsonLog: { type: flag, default: "true", help: "Log JSON lines (true) or readable text (false)" },
  }),
} as const satisfies SettingTable;
