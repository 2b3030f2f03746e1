// What the threads of bench:overload do, and how they report it: plain data, which passes from thread to thread.

/** A pod as its sidecar's thread needs it. */
export interface ThreadPod {
  readonly name: string;
  /** Its ServiceAccount token. */
  readonly token: string;
  readonly serverName: string;
  readonly bundlePem: string;
}

/** A call of a sidecar: for a certificate with credentials, or, with its certificate, for credentials alone. */
export type SidecarCall = "certificate" | "credentials";

/** A task of every thread; each does its part for its own pods. Addresses are "host:port". */
export type CrowdTask =
  /** Every pod gets a certificate, `callers` of each thread at a time. */
  | { readonly kind: "prove"; readonly address: string; readonly callers: number }
  /** So many callers of each thread call one after the other, each for pods of its own. */
  | {
      readonly kind: "measure";
      readonly call: SidecarCall;
      readonly address: string;
      readonly callers: number;
      readonly ms: number;
    }
  /** Calls at a rate for `seconds`, whatever the server answers. `perSecond`: of each thread. */
  | {
      readonly kind: "offer";
      readonly call: SidecarCall;
      readonly address: string;
      readonly perSecond: number;
      readonly seconds: number;
    }
  /** Every pod renews until it has credentials. */
  | { readonly kind: "renew"; readonly address: string };

/** Counts of one thread. */
export interface ThreadCounts {
  readonly calls: number;
  readonly served: number;
  /** Those of them before the time of the task was over. */
  readonly servedInTime: number;
  /** Calls whose deadline passed. */
  readonly late: number;
  /** Calls whose connection the server closed before the TLS handshake had ended. */
  readonly closed: number;
  /** Calls that the server refused after it, or that failed otherwise. */
  readonly refused: number;
  readonly ms: number;
  /** The share of the time in which the thread was busy: near 1, the clients were the limit. */
  readonly busy: number;
}

/** What a thread sends: its counts, or why the task failed. */
export type ThreadReport = { readonly counts: ThreadCounts } | { readonly problem: string };
