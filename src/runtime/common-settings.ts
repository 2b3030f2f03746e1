// Settings that server and webhook share word for word.
import { LOG_LEVELS } from "./line-log.ts";
import { duration, flag, oneOf, type SettingTable, text } from "./settings.ts";

export const COMMON_SETTINGS = {
  kubeconfig: { type: text, default: null, help: "Kubeconfig file; by default the pod's own ServiceAccount" },
  trustDomain: { type: text, default: "cluster.local", help: "Trust domain of the SPIFFE IDs in pod certificates" },
  audience: { type: text, default: "podrole.io", help: "Audience of the ServiceAccount tokens that prove a pod" },
  shutdownDelay: {
    type: duration,
    default: "0s",
    help: "How long to go on answering after SIGTERM, until Endpoints have forgotten this replica",
  },
  level: { type: oneOf(LOG_LEVELS), default: "info", help: "Lowest level that is logged; audit lines always are" },
  jsonLog: { type: flag, default: "true", help: "Log JSON lines; false: readable text" },
} as const satisfies SettingTable;
