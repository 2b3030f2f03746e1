// The system that the cluster uses today, kiam or kube2iam, each modelled exactly in a file of its own.
import type { Pod } from "../../../kubernetes/objects.ts";
import type { NamespaceFacts } from "../input/inventory.ts";

/** What a pod gets from the predecessor. */
export type PredecessorOutcome =
  /** No credentials, because no role is named. */
  | { readonly kind: "none" }
  | {
      readonly kind: "granted";
      /** As the predecessor sends it to STS. */
      readonly arn: string;
      readonly sessionName: string;
      readonly externalId: string | undefined;
    }
  /** No credentials; `why` is a phrase without a full stop. */
  | { readonly kind: "denied"; readonly arn: string | undefined; readonly why: string }
  /** The pod crashes every server of the predecessor. */
  | { readonly kind: "crash"; readonly why: string };

/** The rules of kiam or kube2iam, with the settings of the cluster. */
export interface Predecessor {
  readonly name: "kiam" | "kube2iam";
  /** What the pod gets today. Pure, never throws. */
  outcomeOf(pod: Pod, namespace: NamespaceFacts): PredecessorOutcome;
  /** Whether the namespace permits this ARN today; undefined if its annotation cannot be used. */
  permits(namespace: NamespaceFacts, arn: string): boolean | undefined;
  /** False if every namespace permits every role, whatever its annotations say. */
  readonly restricts: boolean;
  /** Lifetime of a session in milliseconds. */
  readonly sessionDurationMs: number;
  /** Session name of pods that set none, as text for the report. */
  readonly usualSessionName: string;
  /** Annotation key of the role; kube2iam's can be configured. */
  readonly roleKey: string;
}
