// How a sidecar ended as a cause and a remedy, in one line each: the error's message, and the remedy of its code unless
// what the cluster knows about the pod has a better one. Pure, and for people: nothing is decided from the texts.
import { ERRORS, isErrorCode } from "../protocol/errors.ts";
import { type SidecarEnd, sidecarEndText } from "./sidecar-state.ts";
import { DISTRUST_REMEDIES, distrustOf, distrustText, type PodTrust } from "./untrusted-server.ts";

/** What is wrong, and what an operator does about it. */
export interface Diagnosis {
  readonly cause: string;
  /** Absent if nothing can be said. */
  readonly remedy?: string;
}

/** What the cluster knows about the pod. */
export interface EndContext {
  /** True for a copy that `kubectl debug` made without the pod's labels and annotations. */
  readonly isCopy?: boolean | undefined;
  /** The pod's CAs beside the published ones; undefined if unknown. */
  readonly trust?: PodTrust | undefined;
}

/** What is wrong with a copy, and what helps. */
export const COPY_DIAGNOSIS: Required<Diagnosis> = {
  cause:
    "the pod is a copy, as kubectl debug makes it: it has podrole-sidecar, but neither the annotation of the role nor the label podrole.io/injected",
  remedy:
    "Delete the copy, and copy the pod again with --keep-annotations: then the copy has the annotation of the role.",
};

/** Returns the cause and the remedy of a sidecar's end. */
export function diagnoseEnd(end: SidecarEnd, { isCopy = false, trust }: EndContext = {}): Diagnosis {
  const { code, message } = end;
  if (code === undefined) return { cause: sidecarEndText(end) };
  if (code === "ROLE_MISSING" && isCopy) return { ...COPY_DIAGNOSIS, cause: `${code}: ${COPY_DIAGNOSIS.cause}` };
  const { reason, remedy } = splitRemedy(code, message);
  if (code !== "SERVER_UNTRUSTED") return { cause: `${code}: ${reason}`, remedy };
  return {
    cause: `${code}: ${reason}${distrustText(message, trust)}`,
    remedy: DISTRUST_REMEDIES[distrustOf(message, trust)],
  };
}

/** Returns a diagnosis as one line, "cause -- remedy", as podrole's programs write errors. */
export function diagnosisText({ cause, remedy }: Diagnosis): string {
  return remedy === undefined ? cause : `${cause} -- ${remedy}`;
}

/** What the server has recorded may have the remedy of another version of podrole; without one, it is the code's. */
function splitRemedy(code: string, message: string): { readonly reason: string; readonly remedy: string } {
  const at = message.lastIndexOf(" -- ");
  if (at >= 0) return { reason: message.slice(0, at), remedy: message.slice(at + 4) };
  const remedy = isErrorCode(code) ? ERRORS[code].remedy : "a newer version of podrole describes this code";
  return { reason: message, remedy };
}
