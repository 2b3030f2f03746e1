// Why a pod that waits for its first credentials will never receive them, and why it did not start. Used by the two
// modes that delay the app: podrole-init, and podrole-sidecar until its first readiness.
import type { ErrorInfo } from "../protocol/errors.ts";
import { isPermanent, type Renewal } from "./renewal/outcome.ts";
import type { SidecarSettings } from "./settings.ts";

/** The latest refusal of a container; undefined if it has none or received credentials. */
export interface ContainerRefusal {
  readonly container: string;
  readonly refusal: ErrorInfo | undefined;
}

/**
 * Returns the refusal that no retry can lift, naming the containers if it concerns single ones; undefined: keep
 * waiting. One permanently refused container is enough, because no pod starts with a part of its roles.
 */
export function permanentRefusal(renewal: Renewal, containers: readonly ContainerRefusal[]): ErrorInfo | undefined {
  if (renewal.outcome === "renewed") return undefined;
  if (renewal.outcome === "failed") return isPermanent(renewal) ? renewal : undefined;
  const refused = containers.flatMap(({ container, refusal }) =>
    refusal && isPermanent(refusal) ? [{ container, refusal }] : [],
  );
  const [first] = refused;
  if (first === undefined) return undefined;
  const reasons = refused.map(({ container, refusal }) => `container "${container}": ${refusal.message}`);
  return { code: first.refusal.code, message: reasons.join("; ") };
}

/** Returns why the pod did not start: how the wait ended (`state`), and the latest refusal if there was one. */
export function failedStart(
  last: ErrorInfo | undefined,
  state: string,
  { podNamespace, podName }: Pick<SidecarSettings, "podName" | "podNamespace">,
): ErrorInfo {
  const start = `Cannot start pod "${podNamespace}/${podName}": ${state}`;
  if (last === undefined) return { code: "NOT_READY", message: `${start}; no renewal has finished yet` };
  return { code: last.code, message: `${start}; last error: ${last.message}` };
}
