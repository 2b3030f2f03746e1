// Rows of the error table for answers of the sidecar's endpoint to a request of an app.
import type { ErrorRow } from "./error-row.ts";

/** Part of ERRORS. */
export const ENDPOINT_ERRORS = {
  NOT_READY: {
    http: 503,
    grpc: "UNAVAILABLE",
    retry: true,
    keep: true,
    actors: ["author"],
    summary: "The sidecar is still fetching credentials: they did not arrive within 900 ms.",
    remedy: "The SDK retries automatically. If the error persists, read the reason in the sidecar's log.",
  },
  TOKEN_MISSING: {
    http: 401,
    grpc: "UNAUTHENTICATED",
    retry: false,
    keep: true,
    actors: ["author"],
    summary:
      "A request to the credentials endpoint has no Authorization header, or a request to the metadata paths has no token.",
    remedy:
      "Use an AWS SDK version that reads AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE; docs/sdk.md lists these versions.",
  },
  TOKEN_MISMATCH: {
    http: 403,
    grpc: "PERMISSION_DENIED",
    retry: false,
    keep: true,
    actors: ["author"],
    summary:
      "The Authorization header is not the token of any container of this pod, or a metadata token is invalid or has expired (the metadata paths answer 401 to that).",
    remedy: "Use the container's own token file; a container that is excluded from podrole has no token file.",
  },
  TOKEN_REPLACED: {
    http: 503,
    grpc: "UNAVAILABLE",
    retry: true,
    keep: true,
    actors: ["author"],
    summary: "The Authorization header is a token from before the sidecar's last start, which replaced all tokens.",
    remedy:
      "JavaScript v3 and Go v2 read the token file again when they retry; boto3, the AWS CLI and JavaScript v2 do so at their next refresh. A program that stores the token must read AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE before each request.",
  },
  HOST_FORBIDDEN: {
    http: 403,
    grpc: "PERMISSION_DENIED",
    retry: false,
    keep: true,
    actors: ["author"],
    summary:
      "A request to the sidecar's endpoint has another Host than 127.0.0.1, [::1] or localhost, or a Forwarded or X-Forwarded-For header.",
    remedy:
      "Connect to the address in `AWS_CONTAINER_CREDENTIALS_FULL_URI`, directly and not through a proxy: `NO_PROXY` must contain 127.0.0.1.",
  },
  PATH_UNKNOWN: {
    http: 404,
    grpc: "INVALID_ARGUMENT",
    retry: false,
    keep: true,
    actors: ["author"],
    summary: "The endpoint does not serve this path.",
    remedy: "Request `/v1/credentials`.",
  },
  METHOD_UNKNOWN: {
    http: 405,
    grpc: "INVALID_ARGUMENT",
    retry: false,
    keep: true,
    actors: ["author"],
    summary: "The path does not accept this method.",
    remedy: "Use GET; for a metadata token, PUT.",
  },
} as const satisfies Record<string, ErrorRow>;
