// The authorization matrix: who may get what, as caller × call × relation. docs/authorization-matrix.md is generated
// from it, and matrix.test.ts makes every call against the real services and compares.
import type { ErrorCode } from "../../src/protocol/errors.ts";

/**
 * Result of a cell. "yes": the caller gets what the column names. "own": the caller is answered, but only with what is
 * its own. "TLS": the connection ends in the handshake. "unreachable": nothing listens at that address. "404": a page
 * that does not exist. Anything else is the code of the refusal.
 */
export type CellVerdict = "yes" | "own" | "TLS" | "unreachable" | "404" | ErrorCode;

/** The paths that are requested, by relation: pages, and paths that these ports do not serve. */
export const PAGE_PATHS = {
  health: "/healthz",
  ready: "/readyz",
  metrics: "/metrics",
  credentials: "/v1/credentials",
  mutate: "/mutate",
  debug: "/debug/pprof",
} as const satisfies Readonly<Record<string, string>>;

/** A caller, and its verdict for each relation. */
export interface MatrixCaller {
  readonly title: string;
  readonly verdicts: Readonly<Record<string, CellVerdict>>;
}

/** A call with its callers (rows) and relations (columns), by id. */
export interface MatrixCall {
  readonly title: string;
  /** What the columns are. */
  readonly asks: string;
  readonly relations: Readonly<Record<string, string>>;
  readonly callers: Readonly<Record<string, MatrixCaller>>;
}

interface CallSource extends Omit<MatrixCall, "callers"> {
  /** By id: title, the default verdict, and the verdicts of the relations that differ from it. */
  readonly callers: Readonly<Record<string, readonly [string, CellVerdict, Readonly<Record<string, CellVerdict>>?]>>;
}

/** Fills in the verdict of every relation, so that a new relation has a verdict for each caller. */
function call({ callers, ...rest }: CallSource): MatrixCall {
  const ids = Object.keys(rest.relations);
  const rows = Object.entries(callers).map(([id, [title, verdict, exceptions = {}]]) => {
    const verdicts = Object.fromEntries(ids.map((relation) => [relation, exceptions[relation] ?? verdict]));
    return [id, { title, verdicts }] as const;
  });
  return { ...rest, callers: Object.fromEntries(rows) };
}

/** Relations to the pod of the caller. */
const RELATIVES = {
  account: "another pod of its ServiceAccount",
  namespace: "another pod of its namespace",
  elsewhere: "a pod of another namespace",
} as const;

const OWN = { own: "yes" } as const;

/** Every call of the matrix, by id. */
export const CALLS = {
  certificate: call({
    title: "IssueCertificate, port 8443",
    asks: "a certificate that names",
    relations: { own: "the caller's pod", ...RELATIVES, webhook: "the webhook" },
    callers: {
      pod: ["a pod, with its token", "own", OWN],
      node: ["the pod's node, with a token that it requested for the pod", "own", OWN],
      unlabelled: ["a pod of a namespace without podrole's label, with its token", "POD_NOT_INJECTED"],
      optedOut: ["a pod that opted out, with its token", "POD_NOT_INJECTED"],
      hostNetwork: ["a pod with hostNetwork, with its token", "POD_NOT_INJECTED"],
      webhook: ["the webhook, with its pod's token", "own", { webhook: "yes" }],
      nothing: ["no token", "PROOF_REJECTED"],
      garbage: ["a text that is not a token", "PROOF_REJECTED"],
      unsigned: ["a token with algorithm none", "PROOF_REJECTED"],
      forged: ["a token that another key signed", "PROOF_REJECTED"],
      audience: ["a pod's token of another audience", "PROOF_REJECTED"],
      expired: ["an expired token", "PROOF_REJECTED"],
      unbound: ["a ServiceAccount's token that is bound to no pod", "PROOF_REJECTED"],
      kubelet: ["a node's own bearer token", "PROOF_REJECTED"],
      user: ["a user's bearer token", "PROOF_REJECTED"],
      finished: ["a finished pod, with its token", "POD_FINISHED"],
      deleted: ["a deleted pod, with its token", "PROOF_REJECTED"],
      replaced: ["a pod that was replaced by another of the same name, with the old token", "PROOF_REJECTED"],
    },
  }),
  credentials: call({
    title: "GetCredentials, port 8444",
    asks: "credentials of",
    relations: {
      own: "a container of its pod that has a role",
      idle: "a container of its pod that podrole.io/containers leaves out",
      podrole: "podrole's own container in its pod",
      ...RELATIVES,
    },
    callers: {
      pod: ["a pod, with its certificate", "ROLE_MISSING", OWN],
      previous: ["a pod, with a certificate of the previous CA", "ROLE_MISSING", OWN],
      next: ["a pod, with a certificate of the next CA", "ROLE_MISSING", OWN],
      unlabelled: ["a pod of a namespace without podrole's label", "POD_NOT_INJECTED"],
      optedOut: ["a pod that opted out", "POD_NOT_INJECTED"],
      hostNetwork: ["a pod with hostNetwork", "POD_NOT_INJECTED"],
      nothing: ["no certificate", "TLS"],
      selfSigned: ["a self-signed certificate with a pod's identity", "TLS"],
      otherCa: ["a certificate of another CA with a pod's identity", "TLS"],
      sameName: ["a certificate of another CA with the name of podrole's CA", "TLS"],
      expired: ["a pod, with its expired certificate", "TLS"],
      early: ["a certificate that is not valid yet", "TLS"],
      webhook: ["the webhook, with its serving certificate", "TLS"],
      server: ["a server, with its serving certificate", "TLS"],
      ca: ["podrole's CA itself", "TLS"],
      domain: ["a certificate of podrole's CA for another trust domain", "CERTIFICATE_REJECTED"],
      twoNames: ["a certificate of podrole's CA with two identities", "CERTIFICATE_REJECTED"],
      account: ["a certificate that names another ServiceAccount than the pod's", "POD_UNKNOWN"],
      uid: ["a certificate with another pod's uid", "POD_UNKNOWN"],
      finished: ["a finished pod, with its certificate", "POD_FINISHED"],
      deleted: ["a deleted pod, with its certificate", "POD_UNKNOWN"],
      replaced: ["a pod that was replaced by another of the same name, with the old certificate", "POD_UNKNOWN"],
      expiredOpen: ["a certificate that expired on an open connection", "CERTIFICATE_REJECTED"],
      expiredResumed: [
        "an expired certificate, on a new connection that tries to resume an earlier TLS session",
        "CERTIFICATE_REJECTED",
      ],
      retiredOpen: ["a certificate of a CA that was retired, on an open connection", "CERTIFICATE_REJECTED"],
      retired: ["a certificate of a CA that was retired", "TLS"],
    },
  }),
  pinned: call({
    title: "GetCredentials, port 8444, of a server with `--pin-roles`",
    asks: "credentials of",
    relations: {
      own: "a container of its pod that the pin names, with the pinned role",
      idle: "a container of its pod that the pin does not name",
      ...RELATIVES,
    },
    callers: {
      pod: ["a pod, with its certificate", "ROLE_MISSING", OWN],
      repointed: [
        "a pod whose annotations were changed after admission, for example by its kubelet, and now give other roles to both containers",
        "ROLE_MISSING",
        OWN,
      ],
      withdrawn: ["a pod whose namespace no longer permits the pinned role", "ROLE_MISSING", { own: "ROLE_FORBIDDEN" }],
      unpinned: ["a pod that the webhook injected without `--pin-roles`", "ROLE_UNPINNED"],
      misread: ["a pod whose pin is a text that the webhook does not write", "ROLE_UNPINNED"],
      unlabelled: ["a pod of a namespace without podrole's label", "POD_NOT_INJECTED"],
    },
  }),
  endpoint: call({
    title: "GET /v1/credentials at the sidecar, port 9763",
    asks: "credentials of",
    relations: {
      own: "the container of the token",
      container: "another container of its pod",
      account: "another pod of its ServiceAccount, at its endpoint",
      namespace: "another pod of its namespace, at its endpoint",
      elsewhere: "a pod of another namespace, at its endpoint",
    },
    callers: {
      container: ["a container, with its token", "TOKEN_MISMATCH", { own: "yes", container: "own" }],
      earlier: [
        "a container, with its token of an earlier start of the sidecar",
        "TOKEN_MISMATCH",
        { own: "TOKEN_REPLACED", container: "TOKEN_REPLACED" },
      ],
      nothing: ["no Authorization header", "TOKEN_MISSING"],
      empty: ["an empty Authorization header", "TOKEN_MISSING"],
      bearer: ['its token after "Bearer "', "TOKEN_MISMATCH"],
      short: ["the first 42 characters of its token", "TOKEN_MISMATCH"],
      long: ["its token and one more character", "TOKEN_MISMATCH"],
      proof: ["the pod's ServiceAccount token", "TOKEN_MISMATCH"],
      imds: ["a token of the metadata paths", "TOKEN_MISMATCH"],
      host: ["its token, with the Host of another name", "HOST_FORBIDDEN"],
      forwarded: ["its token, with X-Forwarded-For", "HOST_FORBIDDEN"],
      forwardedBy: ["its token, with Forwarded", "HOST_FORBIDDEN"],
      podAddress: ["its token, at the pod's own address", "unreachable"],
    },
  }),
  metadata: call({
    title: "The metadata paths at the sidecar, port 9763",
    asks: "credentials in a pod where podrole.io/metadata is",
    relations: { off: "absent", enabled: "`enabled`", v1: "`enabled-v1`" },
    callers: {
      token: ["a program of the pod, with a metadata token", "yes", { off: "PATH_UNKNOWN" }],
      nothing: ["a program of the pod, without a token (IMDSv1)", "TOKEN_MISSING", { off: "PATH_UNKNOWN", v1: "yes" }],
      expired: ["an expired metadata token", "TOKEN_MISMATCH", { off: "PATH_UNKNOWN" }],
      other: ["a metadata token of another pod's sidecar", "TOKEN_MISMATCH", { off: "PATH_UNKNOWN" }],
      forged: ["a metadata token with a changed expiry", "TOKEN_MISMATCH", { off: "PATH_UNKNOWN" }],
      container: ["a container's authorization token as metadata token", "TOKEN_MISMATCH", { off: "PATH_UNKNOWN" }],
      host: ["a valid metadata token, with the Host of another name", "HOST_FORBIDDEN"],
      forwarded: ["a valid metadata token, with X-Forwarded-For", "HOST_FORBIDDEN"],
      forwardedBy: ["a valid metadata token, with Forwarded", "HOST_FORBIDDEN"],
      podAddress: ["a valid metadata token, at the pod's own address", "unreachable"],
    },
  }),
  pages: call({
    title: "The HTTP pages, without any proof",
    asks: "page",
    relations: PAGE_PATHS,
    callers: {
      server: ["server, port 8080", "404", { health: "yes", ready: "yes", metrics: "yes" }],
      webhook: ["webhook, port 8080", "404", { health: "yes", ready: "yes", metrics: "yes" }],
      sidecar: ["sidecar, port 9764", "404", { health: "yes", ready: "yes", metrics: "yes" }],
    },
  }),
  state: call({
    title: "GET /podrole/state at the server, port 8445",
    asks: "what pods hold, and what was refused, in",
    relations: { cluster: "the whole cluster", shop: "namespace shop", bank: "namespace bank" },
    callers: {
      reader: ["podrole-reader of podrole's namespace, with a token that an operator requested", "yes"],
      namespaceReader: [
        "podrole-reader of namespace shop, with a token that a developer requested",
        "READER_FORBIDDEN",
        { shop: "yes" },
      ],
      otherBinding: [
        "an account that a RoleBinding in shop binds to the ClusterRole for the whole cluster",
        "READER_FORBIDDEN",
      ],
      pod: ["a pod of shop, with its token", "READER_FORBIDDEN"],
      unlabelled: ["a pod of a namespace without podrole's label, with its token", "READER_FORBIDDEN"],
      webhook: ["the webhook, with its pod's token", "READER_FORBIDDEN"],
      nothing: ["no token", "PROOF_REJECTED"],
      garbage: ["a text that is not a token", "PROOF_REJECTED"],
      unsigned: ["a reader's token with algorithm none", "PROOF_REJECTED"],
      forged: ["a reader's token that another key signed", "PROOF_REJECTED"],
      audience: ["a reader's token of the API server's audience", "PROOF_REJECTED"],
      expired: ["a reader's expired token", "PROOF_REJECTED"],
      authorization: ["a reader's token in the header Authorization", "PROOF_REJECTED"],
      certificate: ["a pod, with its client certificate and no token", "PROOF_REJECTED"],
      kubelet: ["a node's own bearer token", "PROOF_REJECTED"],
      user: ["a cluster-admin's bearer token", "PROOF_REJECTED"],
      deleted: ["a deleted pod, with its token", "PROOF_REJECTED"],
    },
  }),
  mutate: call({
    title: "POST /mutate at the webhook, port 9443",
    asks: "the review of a pod of",
    relations: {
      own: "the caller's namespace",
      elsewhere: "another namespace",
      proven: "any namespace, with `--api-server-ca`",
      named: "any namespace, with `--api-server-name` as well",
    },
    callers: {
      nothing: ["no certificate", "yes", { proven: "TLS", named: "TLS" }],
      pod: ["a pod, with its certificate", "yes", { proven: "TLS", named: "TLS" }],
      otherCa: ["a certificate of another CA", "yes", { proven: "TLS", named: "TLS" }],
      apiServer: ["the API server, with its certificate", "yes"],
      otherName: ["another name, with a certificate of the API server's CA", "yes", { named: "CERTIFICATE_REJECTED" }],
    },
  }),
} as const satisfies Record<string, MatrixCall>;

/** A call of the matrix. */
export type CallId = keyof typeof CALLS;

/** Returns every cell of a call: caller and relation by id, with the expected verdict. */
export function cellsOf(
  id: CallId,
): readonly { readonly caller: string; readonly relation: string; readonly verdict: CellVerdict }[] {
  return Object.entries(CALLS[id].callers).flatMap(([caller, { verdicts }]) =>
    Object.entries(verdicts).map(([relation, verdict]) => ({ caller, relation, verdict })),
  );
}
