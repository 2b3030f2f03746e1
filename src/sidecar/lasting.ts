// Why a pod that waits for its first credentials will never get them, and what it says when it is ended meanwhile. For
// those who hold the pod back: podrole-init, and podrole-sidecar until it is ready for the first time.
import type { Refusal } from "../protocol/errors.ts";
import { isPermanent, type Renewal } from "./renewal.ts";
import type { SidecarSettings } from "./settings.ts";

/** What a container was told last; undefined: nothing yet, or credentials. */
export interface LastWord {
  readonly container: string;
  readonly refusal: Refusal | undefined;
}

/**
 * What cannot pass by itself, naming the containers when the refusal is theirs; undefined: wait. One container that can
 * never have its role is enough, because no pod starts half equipped.
 */
export function lastingRefusal(renewal: Renewal, words: readonly LastWord[]): Refusal | undefined {
  if (renewal.outcome === "renewed") return undefined;
  if (renewal.outcome === "failed") return isPermanent(renewal) ? renewal : undefined;
  const refused = words.flatMap(({ container, refusal }) =>
    refusal && isPermanent(refusal) ? [{ container, refusal }] : [],
  );
  const [first] = refused;
  if (first === undefined) return undefined;
  const reasons = refused.map(({ container, refusal }) => `container "${container}": ${refusal.message}`);
  return { code: first.refusal.code, message: reasons.join("; ") };
}

/** The last answer as the reason why the pod did not start; `state`: how the waiting ended. */
export function gaveUp(
  last: Refusal | undefined,
  state: string,
  { podNamespace, podName }: Pick<SidecarSettings, "podName" | "podNamespace">,
): Refusal {
  const start = `Cannot start pod "${podNamespace}/${podName}": ${state}`;
  if (last === undefined) return { code: "NOT_READY", message: `${start}, and no renewal has ended yet` };
  return { code: last.code, message: `${start}, the last answer was: ${last.message}` };
}
