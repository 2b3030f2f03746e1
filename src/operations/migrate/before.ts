// What a pod has from the system it comes from: kiam or kube2iam, each modelled to the letter in a file of its own.
import type { Pod } from "../../kubernetes/objects.ts";
import type { NamespaceFacts } from "./inventory.ts";

export type Before =
  /** No role is named: no credentials. */
  | { readonly kind: "none" }
  | {
      readonly kind: "given";
      /** As the old system told it to STS. */
      readonly arn: string;
      readonly sessionName: string;
      readonly externalId: string | undefined;
    }
  /** No credentials; `why` follows the old system's name in a sentence. */
  | { readonly kind: "denied"; readonly arn: string | undefined; readonly why: string }
  /** One pod that takes every server down. */
  | { readonly kind: "crash"; readonly why: string };

/** The system that is left, as far as the report needs it. */
export interface Predecessor {
  readonly name: "kiam" | "kube2iam";
  /** What the pod gets today. Pure, never throws. */
  judge(pod: Pod, namespace: NamespaceFacts): Before;
  /** Whether the namespace lets its pods have this ARN today; undefined when its annotation cannot be used. */
  permits(namespace: NamespaceFacts, arn: string): boolean | undefined;
  /** False: every namespace permits everything, whatever its annotations say. */
  readonly restricts: boolean;
  /** Milliseconds of a session. */
  readonly sessionDurationMs: number;
  /** The name of sessions of pods that name none, for people. */
  readonly usualSessionName: string;
  /** Annotation key of the role, where the old system could be told another one. */
  readonly roleKey: string;
}
