// Rows of the error table for pods in which podrole's containers have no place: by name, or by size.
import type { ErrorRow } from "./error-row.ts";

/** Part of ERRORS. */
export const NAME_AND_SIZE_ERRORS = {
  NAME_RESERVED: {
    http: 400,
    grpc: "INVALID_ARGUMENT",
    retry: false,
    keep: false,
    actors: ["author"],
    summary: "The pod has a container, volume or mount with a name or path that is reserved for podrole.",
    remedy:
      "Rename the container or volume, or move the mount. The names podrole-* (containers and volumes) and the paths /var/run/secrets/podrole.io and /podrole.io are reserved.",
  },
  LIMITS_CONFLICT: {
    http: 400,
    grpc: "INVALID_ARGUMENT",
    retry: false,
    keep: false,
    actors: ["platform", "author"],
    summary:
      "A LimitRange of the namespace accepts no request and limit with which one of podrole's containers works; the message names the container and the rule.",
    remedy:
      "Change the LimitRange, or leave the pod out (`podrole.io/inject: disabled`). `podrole check` lists such namespaces (SIZES_FIT).",
  },
} as const satisfies Record<string, ErrorRow>;
