// The AWS mechanism that pods move to when they leave podrole.

/** IAM roles for service accounts. */
export interface Irsa {
  readonly to: "irsa";
  /** The cluster's issuer without "https://", such as "oidc.eks.eu-central-1.amazonaws.com/id/0123". */
  readonly issuer: string;
  readonly account: string | undefined;
}

/** EKS Pod Identity. */
export interface EksPodIdentity {
  readonly to: "pod-identity";
  readonly clusterName: string;
  /** The cluster's account; associations accept only roles of this account. */
  readonly account: string;
  readonly region: string | undefined;
}

/** One of them. */
export type Destination = Irsa | EksPodIdentity;
