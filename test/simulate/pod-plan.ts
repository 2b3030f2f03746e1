// What a simulated pod is, apart from what happens to it.
import type { Pod } from "../../src/kubernetes/objects.ts";
import type { TokenOwner } from "./tokens.ts";

/** What a pod is. */
export interface PodPlan {
  readonly owner: TokenOwner;
  readonly pod: Pod;
  readonly port: number;
  /** Offset of its node's clock. */
  readonly node: Node;
}

/** A node: its pods have its clock. */
export interface Node {
  readonly name: string;
  offsetMs: number;
  /** When its clock was set last, in milliseconds of the timeline. */
  steppedAt: number;
}
