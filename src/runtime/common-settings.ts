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
      help: "Trust domain of the SPIFFE IDs in pod certificates",
    },
    audience: {
      type: text,
      default: "podrole.io",
      help: "Audience of the ServiceAccount tokens that prove a pod's identity",
    },
  }),
  ...group("Kubernetes:", {
    kubeconfig: {
      type: text,
      placeholder: "file",
      default: null,
      help: "Kubeconfig file; by default the ServiceAccount of this pod",
    },
  }),
  ...group("Shutdown:", {
    shutdownDelay: {
      type: duration,
      default: "0s",
      help: "Time to keep serving after SIGTERM while endpoint removal propagates",
    },
  }),
  ...group("Logging:", {
    level: {
      type: oneOf(LOG_LEVELS),
      default: "info",
      help: "Lowest level to log; audit lines are always logged",
    },
    jsonLog: { type: flag, default: "true", help: "Log JSON lines; false logs readable text" },
  }),
} as const satisfies SettingTable;
