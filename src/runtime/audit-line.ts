// The lines of the audit log, field by field: what webhook and server write, and what `podrole audit` reads
// (docs/audit.md). The log adds `level`, `time` and `program`. A field that is undefined is left out.

/** A decision of the webhook about one request of the API server. */
export type AdmissionLine = {
  readonly audit: "admission";
  /** Whether the caller proved that it is the API server. */
  readonly caller: "api-server" | "unproven";
  /** uid of the AdmissionReview. */
  readonly request: string;
  readonly user: string | undefined;
  readonly groups: readonly string[];
  /** How many groups the line leaves out. */
  readonly groupsOmitted: number | undefined;
  readonly namespace: string;
  readonly pod: string | undefined;
  readonly generateName: string | undefined;
  readonly owner: { readonly kind: string | undefined; readonly name: string | undefined } | undefined;
  readonly dryRun: boolean;
  readonly roles: readonly AdmissionRole[];
  /** How many roles the line leaves out. */
  readonly rolesOmitted: number | undefined;
  readonly decision: "inject" | "skip" | "refuse";
  /** An error code, a reason for skipping, INJECTED or ALREADY_INJECTED. */
  readonly reason: string;
  readonly message: string | undefined;
  readonly warnings: readonly string[] | undefined;
  /** How many warnings the line leaves out. */
  readonly warningsOmitted: number | undefined;
  readonly patchDigest: string | undefined;
  readonly durationMs: number;
  /** Lines about skipped pods that were left out before this one, because their callers proved nothing. */
  readonly omitted?: number | undefined;
};

/** The role of one container, as the annotation names it and as the ARN that this resolves to. */
export type AdmissionRole = {
  readonly container: string;
  readonly asked: string | undefined;
  readonly resolved: string | undefined;
  readonly origin: string;
  readonly allowed: boolean;
};

/** The pod of a line, as its token or its certificate identifies it. */
type PodFields = {
  readonly namespace: string;
  readonly pod: string;
  readonly podUid: string;
  readonly serviceAccount: string;
};

type RefusedFields = {
  readonly decision: "refused";
  /** An error code. */
  readonly reason: string;
  readonly message: string;
};

/** `credentialId` names the token in the API server's audit log (Kubernetes 1.30+). */
type CallerFields = PodFields & { readonly credentialId?: string | undefined };

/** Where a request for a certificate came from: a caller of the identity port, or a PodCertificateRequest. */
type CertificateOrigin =
  | { readonly peer: string }
  | {
      /** Name of the PodCertificateRequest, in the pod's namespace. */
      readonly podCertificateRequest: string;
      /** The node whose kubelet made the request. */
      readonly node: string;
    };

/**
 * How the server knows that a certificate was issued if the API server has not confirmed its answer to it. "status":
 * the PodCertificateRequest carries it; "signed": the server signed it, and does not know whether the API server stored
 * it.
 */
export type AnswerEvidence = "status" | "signed";

/**
 * A decision of the server about one request on the identity port, where a refused caller may be unknown, or about one
 * PodCertificateRequest.
 */
export type CertificateLine = { readonly audit: "certificate" } & CertificateOrigin &
  (
    | (CallerFields & {
        readonly decision: "issued";
        /** The SPIFFE ID of a pod; the DNS names and IP addresses of the webhook. */
        readonly subject: string | readonly string[];
        readonly serial: string;
        /** RFC 3339. */
        readonly expiration: string;
        /** Undefined: the API server confirmed the answer, or the certificate answers no PodCertificateRequest. */
        readonly evidence?: AnswerEvidence | undefined;
      })
    | (RefusedFields &
        Partial<CallerFields> & {
          /** Lines of this reason that were left out before this one, because their callers proved nothing. */
          readonly omitted?: number | undefined;
        })
  );

/** A decision of the server about one container on the credentials port. */
export type CredentialsLine = PodFields & {
  readonly audit: "credentials";
  readonly container: string;
  readonly peer: string;
  /** Lines that were left out before this one, because they repeat it: the same session, or the same refusal. */
  readonly omitted?: number | undefined;
} & (
    | {
        readonly decision: "issued";
        readonly role: string;
        readonly sessionName: string;
        /** How the cache answered. */
        readonly outcome: string;
        readonly accessKeyId: string;
        /** RFC 3339. */
        readonly expiration: string;
        readonly packedPolicySize: number | undefined;
      }
    | (RefusedFields & {
        readonly role: string | undefined;
        /** How many more containers of the request the refusal stands for. */
        readonly containersOmitted: number | undefined;
      })
  );

/** A decision of the server about one request on the state port. */
export type StateLine = {
  readonly audit: "state";
  readonly peer: string;
  /** The namespace whose state was requested; undefined: the whole cluster. */
  readonly namespace: string | undefined;
} & (
  | { readonly decision: "answered"; readonly user: string }
  | (RefusedFields & {
      /** Undefined if the caller's token was not accepted. */
      readonly user: string | undefined;
      /** As in CertificateLine. */
      readonly omitted?: number | undefined;
    })
);

/** Every line of the audit log. */
export type AuditLine = AdmissionLine | CertificateLine | CredentialsLine | StateLine;

/** The names of the fields of a line, whatever its decision. */
export type FieldOf<Line extends AuditLine> = Line extends unknown ? keyof Line & string : never;
