// Every error that podrole returns. The key crosses the wire, and is log field, metric label, Event reason, heading in
// docs/errors.md and part of a test title: `grep ROLE_FORBIDDEN` shows the whole case. No program reads the texts.

import { ENDPOINT_ERRORS } from "./endpoint-errors.ts";
import type { ErrorRow } from "./error-row.ts";
import { NAME_AND_SIZE_ERRORS } from "./name-and-size-errors.ts";

/** The error table, by code. */
export const ERRORS = {
  ROLE_FORBIDDEN: {
    http: 403,
    grpc: "PERMISSION_DENIED",
    retry: false,
    keep: false,
    actors: ["author", "platform"],
    summary: "The namespace does not permit this role.",
    remedy:
      "Correct the role's name, or request another role that the namespace permits. Only if the pod is to have this role, permit it in the namespace's annotation `iam.amazonaws.com/permitted` (an RE2 expression that matches the whole role ARN) or `iam.amazonaws.com/allowed-roles`.",
  },
  ROLE_MISSING: {
    http: 403,
    grpc: "PERMISSION_DENIED",
    retry: false,
    keep: false,
    actors: ["author"],
    summary:
      "No role applies to this container: no annotation of the pod, its ServiceAccount or its namespace names one, `podrole.io/containers` or the pin leaves the container out, or the pod has no such container.",
    remedy:
      "Annotate the pod with `iam.amazonaws.com/role`, or with `iam.amazonaws.com/role.<container>` for one container.",
  },
  ROLE_UNPINNED: {
    http: 403,
    grpc: "PERMISSION_DENIED",
    retry: false,
    keep: true,
    actors: ["author", "platform"],
    summary: "`--pin-roles` is set, and the pod has no pin that the webhook wrote.",
    remedy:
      "Restart the pod: the webhook pins the roles of new pods. If a new pod has no pin either, set `--pin-roles` for the webhook too, in ConfigMap `podrole-common`.",
  },
  ROLE_INVALID: {
    http: 400,
    grpc: "INVALID_ARGUMENT",
    retry: false,
    keep: false,
    actors: ["author"],
    summary:
      "The role annotation is not a role name, a path and role name, or a role ARN; or it is not a full ARN, and no base ARN is set.",
    remedy:
      "Write the role as `my-role`, `team/my-role`, `/team/my-role` or `arn:aws:iam::123456789012:role/my-role`. All but the last need a base ARN such as `arn:aws:iam::123456789012:role/`: `PODROLE_ROLE_BASE_ARN` in ConfigMap `podrole-common`, or the flag `--role-base-arn` of `podrole inject`.",
  },
  PERMITTED_INVALID: {
    http: 403,
    grpc: "PERMISSION_DENIED",
    retry: false,
    keep: true,
    actors: ["platform"],
    summary:
      "The namespace's annotation `iam.amazonaws.com/permitted` or `iam.amazonaws.com/allowed-roles` cannot be parsed, so the namespace permits no role; or comparing it with all roles of the pod needs too many steps, so it permits none of them.",
    remedy:
      "Correct or simplify the annotation, or name fewer different roles in the pod; `podrole explain` shows where parsing fails, or how many steps the roles need and how many are allowed.",
  },
  ANNOTATION_INVALID: {
    http: 400,
    grpc: "INVALID_ARGUMENT",
    retry: false,
    keep: true,
    actors: ["author", "platform"],
    summary: "A podrole annotation has an invalid value, or more than 128 containers of the pod have a role.",
    remedy:
      "Correct the annotation; the message contains its name, its value and the accepted values. If too many containers have a role, name those that need one in `podrole.io/containers`.",
  },
  CONTAINER_UNKNOWN: {
    http: 403,
    grpc: "PERMISSION_DENIED",
    retry: false,
    keep: false,
    actors: ["author"],
    summary: "An annotation names a container that does not exist in the pod or that is excluded from podrole.",
    remedy:
      "Correct the container's name in the annotation `iam.amazonaws.com/role.<container>` or `podrole.io/containers`.",
  },
  ...NAME_AND_SIZE_ERRORS,
  POD_UNKNOWN: {
    http: 403,
    grpc: "PERMISSION_DENIED",
    retry: false,
    keep: false,
    actors: ["platform"],
    summary:
      "The pod that the caller's proof identifies does not exist or no longer exists, or a pod of the same name exists with another uid.",
    remedy:
      "If the pod was deleted, do nothing. Otherwise, find out whether another process uses a copy of the pod's token or certificate.",
  },
  POD_FINISHED: {
    http: 403,
    grpc: "PERMISSION_DENIED",
    retry: false,
    keep: false,
    actors: [],
    summary: "The pod has finished (phase Succeeded or Failed), so it receives no more credentials.",
    remedy: "No action is needed.",
  },
  POD_NOT_INJECTED: {
    http: 403,
    grpc: "PERMISSION_DENIED",
    retry: false,
    keep: true,
    actors: ["platform", "author"],
    summary:
      "The pod requests credentials but is not injected: its podrole-sidecar is missing or differs from the one that podrole injects, the pod opted out, or it uses its node's network.",
    remedy:
      "Label the namespace and create the pod again, or inject its manifest with `podrole inject`; the message names what is missing.",
  },
  PROOF_REJECTED: {
    http: 503,
    grpc: "UNAUTHENTICATED",
    retry: true,
    keep: true,
    actors: ["platform"],
    summary:
      "The ServiceAccount token is malformed, expired or for another audience, the Kubernetes API rejected it, or it is not bound to a pod.",
    remedy:
      "The kubelet replaces the token automatically. If the error persists, check that the token's audience and issuer are those that the API server expects, and that the clocks agree.",
  },
  READER_FORBIDDEN: {
    http: 403,
    grpc: "PERMISSION_DENIED",
    retry: false,
    keep: true,
    actors: ["platform"],
    summary: "The caller may not read what the server reports about its state.",
    remedy:
      "Use the token of a ServiceAccount that has the right: `podrole-reader` in podrole's namespace for the whole cluster; for one namespace, an account that a RoleBinding in that namespace binds to ClusterRole `podrole-namespace-reader`.",
  },
  CERTIFICATE_REJECTED: {
    http: 503,
    grpc: "UNAUTHENTICATED",
    retry: true,
    keep: true,
    actors: ["platform"],
    summary: "The client certificate is missing, has expired, or is not that of a podrole pod identity.",
    remedy:
      "The sidecar requests a new certificate with a new proof automatically. If the error persists, compare the trust bundles of the sidecar and the server.",
  },
  REQUEST_INVALID: {
    http: 400,
    grpc: "INVALID_ARGUMENT",
    retry: false,
    keep: true,
    actors: ["platform"],
    summary:
      "A request cannot be parsed, for example because the CSR or the message is malformed or the key is of a type that is not accepted, or it names a namespace that does not exist.",
    remedy: "Read the message, which describes the error, and compare the versions of sidecar and server.",
  },
  STS_DENIED: {
    http: 403,
    grpc: "PERMISSION_DENIED",
    retry: false,
    keep: true,
    actors: ["author", "account", "platform"],
    summary: "STS denied AssumeRole (AccessDenied).",
    remedy:
      "If the message names what is missing, add that alone. Otherwise, find out in this order: does the role exist under this name; does its trust policy allow the AWS principal of podrole's server, which `podrole status refusals` names; has that policy a condition on sts:ExternalId; does the principal's own policy allow sts:AssumeRole on the role?",
  },
  STS_INVALID: {
    http: 400,
    grpc: "INVALID_ARGUMENT",
    retry: false,
    keep: true,
    actors: ["author", "platform"],
    summary:
      "STS rejected the content of the request, for example because the duration is above the role's maximum, the packed policy is too large, or the region is not enabled.",
    remedy: "Change the setting or annotation to which the message from STS refers.",
  },
  STS_THROTTLED: {
    http: 503,
    grpc: "UNAVAILABLE",
    retry: true,
    keep: true,
    actors: ["platform"],
    summary: "STS throttles this account, or the server's own rate limit delays calls to STS.",
    remedy:
      "Throttling usually ends without action. If it persists, check the metric `podrole_sts_calls_total`. If STS throttles, raise the account's STS quota; if the server delays calls, raise `--sts-rate`.",
  },
  STS_UNAVAILABLE: {
    http: 503,
    grpc: "UNAVAILABLE",
    retry: true,
    keep: true,
    actors: ["platform"],
    summary: "STS cannot be reached or does not answer in time, or the server has no valid AWS credentials of its own.",
    remedy:
      "Check the server's network egress, its region, its VPC endpoint and its own AWS credentials. Until their current credentials expire, running pods are not affected.",
  },
  SESSION_EXPIRED: {
    http: 503,
    grpc: "UNAVAILABLE",
    retry: true,
    keep: true,
    actors: ["platform"],
    summary: "STS returned a session that had already expired, by its own clock.",
    remedy:
      "Check what answers at the STS endpoint: a proxy that repeats earlier responses, or an emulator of STS with a wrong clock. If the response has no `Date` header, check the server's clock too. podrole retries; until their current credentials expire, running pods are not affected.",
  },
  SERVER_UNREACHABLE: {
    http: 503,
    grpc: "UNAVAILABLE",
    retry: true,
    keep: true,
    actors: ["platform"],
    summary: "The sidecar cannot reach podrole's server.",
    remedy:
      "Check the server's Deployment, Service and NetworkPolicies. Until their current credentials expire, running pods are not affected.",
  },
  SERVER_OVERLOADED: {
    http: 503,
    grpc: "UNAVAILABLE",
    retry: true,
    keep: true,
    actors: ["platform"],
    summary:
      "podrole's server has more requests than it can work on: it closes new connections, or asks the sidecar to retry later.",
    remedy:
      "This usually ends without action, because sidecars retry after different times. If it persists, read the server's log for what it waits for (STS or the API server), and increase its replicas. Until their current credentials expire, running pods are not affected.",
  },
  SERVER_UNTRUSTED: {
    http: 503,
    grpc: "UNAVAILABLE",
    retry: true,
    keep: true,
    actors: ["platform", "author"],
    summary:
      "The certificate of podrole's server does not verify against the trust bundle of the pod or of the webhook.",
    remedy:
      "If the message names a certificate that has expired or is not yet valid, synchronize the clocks of the nodes. Otherwise the new CA began to sign before the pod had received it, or the server belongs to another installation: restart the pod, which then gets the current bundle. Until their current credentials expire, running pods are not affected.",
  },
  KUBERNETES_UNAVAILABLE: {
    http: 503,
    grpc: "UNAVAILABLE",
    retry: true,
    keep: true,
    actors: ["platform"],
    summary: "podrole cannot reach the Kubernetes API, or has no permission for a call.",
    remedy:
      "Check the API server and podrole's ClusterRole. Until their current credentials expire, running pods are not affected.",
  },
  AUTHORITY_UNAVAILABLE: {
    http: 503,
    grpc: "UNAVAILABLE",
    retry: true,
    keep: true,
    actors: ["platform"],
    summary:
      "podrole's CA cannot sign certificates: it does not exist yet, cannot be read, has expired, or its key does not match its certificate.",
    remedy:
      "Correct the problem that the message describes in a slot of the Secret `podrole-ca` or in a file; `podrole check` examines both. Until their current credentials expire, running pods are not affected.",
  },
  ...ENDPOINT_ERRORS,
  CLOCK_SKEWED: {
    http: 503,
    grpc: "UNAVAILABLE",
    retry: true,
    keep: true,
    actors: ["platform"],
    summary: "Credentials had already expired when they arrived, by the clock of the pod's node.",
    remedy: "Synchronize the clocks of the pod's node and of podrole-server's nodes, for example with chrony.",
  },
  PORT_TAKEN: {
    http: 503,
    grpc: "UNAVAILABLE",
    retry: true,
    keep: true,
    actors: ["author"],
    summary: "The sidecar cannot listen on its port, because another container of the pod uses it.",
    remedy:
      "Declare the port in that container's `ports` in the pod spec and create the pod again: podrole then uses another port.",
  },
  LOOPBACK_MISSING: {
    http: 503,
    grpc: "UNAVAILABLE",
    retry: true,
    keep: true,
    actors: ["platform"],
    summary: "The pod has no loopback address, so the sidecar cannot listen.",
    remedy:
      "Correct the node's network plugin or container runtime, which brings up the pod's loopback interface with 127.0.0.1 or ::1.",
  },
  BUNDLE_UNCONFIRMED: {
    http: 503,
    grpc: "UNAVAILABLE",
    retry: true,
    keep: true,
    actors: ["platform"],
    summary: "The trust bundle that the webhook reads from ConfigMap `podrole-trust` is not the server's own.",
    remedy:
      "This usually ends without action, because the server publishes its bundle again. If it persists, check with `podrole check` that the server can write the ConfigMap, and that webhook and server are of the same installation.",
  },
  INTERNAL: {
    http: 500,
    grpc: "INTERNAL",
    retry: true,
    keep: true,
    actors: ["platform"],
    summary: "An error inside podrole prevented the answer.",
    remedy:
      "Read the log of the component that answered, at the time of the error, and report the error to the project.",
  },
} as const satisfies Record<string, ErrorRow>;
