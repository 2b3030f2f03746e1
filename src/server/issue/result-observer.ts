// Who follows the results of the two use cases, beside the audit log: what the server reports about its state. Nothing
// is decided from what is observed. Types only, and the observer that ignores everything.
import type { PodIdentity } from "../../pki/identity.ts";
import type { ErrorInfo } from "../../protocol/errors.ts";

/** The pod of a result. */
export type ObservedPod = Pick<PodIdentity, "namespace" | "name" | "uid">;

/** What a sidecar says that one container holds; checked for its form, and true only as far as the pod is. */
export interface ReportedHolding {
  readonly container: string;
  /** ARN; absent if the container holds no credentials. */
  readonly role?: string;
  /** Until these credentials expire, in milliseconds. */
  readonly remainingMs: number;
  /** Code of the last refusal; absent if the last result contained credentials. */
  readonly code?: string;
}

/** Observes results; no function throws. */
export interface ResultObserver {
  /** A pod that has proved itself said what it holds, before its request was answered. */
  readonly reported: (pod: ObservedPod, holdings: readonly ReportedHolding[]) => void;
  /** A pod that has proved itself requests credentials. */
  readonly requested: (pod: ObservedPod, containers: readonly string[]) => void;
  readonly issued: (
    pod: ObservedPod,
    container: string,
    session: { readonly role: string; readonly remainingMs: number },
  ) => void;
  /** `container` undefined: the whole pod was refused. `role`: ARN, if one had been decided. */
  readonly refused: (pod: ObservedPod, container: string | undefined, refusal: ErrorInfo, role?: string) => void;
  /** Containers were requested that the pod does not have. */
  readonly refusedUnknown: (pod: ObservedPod, refusal: ErrorInfo) => void;
}

/** Ignores every result. */
export const NO_OBSERVER: ResultObserver = {
  reported() {},
  requested() {},
  issued() {},
  refused() {},
  refusedUnknown() {},
};
