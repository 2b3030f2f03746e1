// How a sidecar ended as a cause, a remedy and how the pod recovers, in one line each: the error's message, and the
// remedy of its code unless what the cluster knows about the pod has a better one. Pure, and for people: nothing is
// decided from the texts.
import { ERRORS, type ErrorCode, isErrorCode } from "../protocol/errors.ts";
import { type ConcernedPod, stepsAfterCode } from "./code-steps.ts";
import { denialRemedy, emulatorText } from "./denied-call.ts";
import { proofOf } from "./next-steps.ts";
import { findMisspeltRole } from "./role-correction.ts";
import { type SidecarEnd, sidecarEndText } from "./sidecar-state.ts";
import { distrustRemedy, distrustScope, distrustText, recoversFromDistrust } from "./untrusted-server.ts";

/** What is wrong, and what an operator does about it. */
export interface Diagnosis {
  readonly cause: string;
  /** Absent if nothing can be said. */
  readonly remedy?: string;
  /** Whom it concerns besides; absent if unknown. */
  readonly scope?: string;
  /** Whether the pod recovers by itself once that is done, and when; absent if unknown. */
  readonly recovery?: string;
  /** What the commands require: rights, tools, room; absent if they only read, or if there are none. */
  readonly requires?: string;
  /** The command that prints the commands for every pod in this state; absent if the state is of one object. */
  readonly forAll?: string;
  /** How one sees that the commands have helped. */
  readonly verify?: string;
}

/** A diagnosis with its commands. */
export type AnsweredDiagnosis = Diagnosis & { readonly steps: readonly string[] };

/** Returns the field for a scope of several parts, of which some may be unknown. */
export function jointScope(...parts: readonly (string | undefined)[]): Pick<Diagnosis, "scope"> {
  const known = parts.filter((part) => part !== undefined);
  return known.length === 0 ? {} : { scope: known.join("; ") };
}

const COPIED_ROLE =
  "then the copy has the annotation, and all of its containers, a second run of the app among them, have the real role until you delete the copy";

/** What the cluster knows about the pod. */
export type EndContext = Partial<ConcernedPod> & {
  /** True if its sidecar is ready: it serves what it has, and renews by itself. */
  readonly isReady?: boolean;
};

/** What is wrong with a copy that waits for its sidecar, and what helps. */
export const COPY_DIAGNOSIS: Required<Pick<Diagnosis, "cause" | "remedy" | "recovery">> = {
  cause:
    "the pod is a copy, as kubectl debug makes it: it has podrole-sidecar, but neither the annotation of the role nor the label podrole.io/injected",
  remedy: `Delete the copy, and copy the pod again with --keep-annotations: ${COPIED_ROLE}.`,
  recovery: "needs a new copy",
};

/** Returns what is wrong with a copy out of which podrole took its sidecar. */
export function strippedCopyDiagnosis({ object, original, ended = [] }: ConcernedPod): Diagnosis {
  const copied = original === undefined ? "an injected pod" : `pod ${original.name}`;
  const cause = `NO_ROLE: the pod is a copy of ${copied}, as kubectl debug makes it, without the annotation of the role, so podrole took podrole-sidecar out of it, and its containers have no role`;
  const ends = ended.map(({ name, exitCode }) => `container ${name} has ended with exit code ${exitCode}`);
  return {
    ...COPY_DIAGNOSIS,
    cause: [cause, ...ends].join("; "),
    remedy: `Nothing, if the copy needs no role. Otherwise, delete it, and copy the pod again with --keep-annotations: ${COPIED_ROLE}.`,
    verify: `${proofOf(object)}; run it in a second terminal, because the last command stays in the copy`,
  };
}

/** Returns the diagnosis of a sidecar's end. */
export function diagnoseEnd(end: SidecarEnd, context: EndContext = {}): Diagnosis {
  const { code, message } = end;
  return code === undefined
    ? { cause: sidecarEndText(end), recovery: RESTARTED_SIDECAR }
    : diagnoseCode({ code, message }, { ...context, message });
}

/** Returns the diagnosis of a pod whose last call was answered with a code; `message`: undefined if unknown. */
export function diagnoseCode(
  { code, message }: { readonly code: string; readonly message?: string | undefined },
  context: EndContext = {},
): Diagnosis {
  if (code === "ROLE_MISSING" && context.isCopy)
    return { ...COPY_DIAGNOSIS, cause: `${code}: ${COPY_DIAGNOSIS.cause}` };
  const reason = withoutRemedy(code, message ?? "");
  const isDistrust = code === "SERVER_UNTRUSTED";
  const text = isDistrust ? distrustText(reason, context.trust) : reason;
  const emulator = code.startsWith("STS_") ? emulatorText(context.installation) : "";
  const better = isErrorCode(code) ? BETTER_REMEDIES[code]?.({ ...context, message: reason }) : undefined;
  return {
    cause: [code, text].filter((part) => part !== "").join(": ") + emulator,
    remedy: better ?? codeRemedy(code),
    ...(isDistrust && distrustScope(reason, context.trust, context.installation?.running)),
    recovery: recoveryFrom(code, reason, context),
  };
}

/** Returns the diagnosis of a pod that has credentials, and whose annotations podrole now refuses for this reason. */
export function diagnoseRefusedRenewal(
  { code, message }: { readonly code: string; readonly message: string },
  concerned: ConcernedPod,
): AnsweredDiagnosis {
  const context = { ...concerned, message, isReady: true };
  const { cause, ...rest } = diagnoseCode({ code, message }, context);
  return { cause: `its next renewal is refused: ${cause}`, ...rest, steps: stepsAfterCode(code, context) };
}

/** Codes whose remedy depends on what the cluster knows. */
const BETTER_REMEDIES: { readonly [Code in ErrorCode]?: (context: EndContext) => string | undefined } = {
  SERVER_UNTRUSTED: ({ message = "", trust }) => distrustRemedy(message, trust),
  ROLE_FORBIDDEN: ({ roles }) => {
    const misspelt = roles && findMisspeltRole(roles);
    return misspelt && `Correct the role's name in ${misspelt.annotation}: did you mean ${misspelt.meant}?`;
  },
  STS_DENIED: denialRemedy,
};

const RESTARTED_SIDECAR = "by itself: the kubelet starts podrole-sidecar again, after waits of at most 5 min";
/** What has credentials serves them while its renewals are refused. */
const NEXT_RENEWAL = "by itself, with its next renewal";
const NEW_POD = "needs a new pod";
/** Codes of which a pod is not rid before it is created again. */
const FINAL_CODES: ReadonlySet<string> = new Set(["POD_NOT_INJECTED", "ROLE_UNPINNED", "POD_UNKNOWN"]);

function recoveryFrom(code: string, message: string, { trust, isReady }: EndContext): string {
  if (FINAL_CODES.has(code)) return NEW_POD;
  if (code === "SERVER_UNTRUSTED" && !recoversFromDistrust(message, trust)) return NEW_POD;
  return isReady ? NEXT_RENEWAL : RESTARTED_SIDECAR;
}

function codeRemedy(code: string): string {
  return isErrorCode(code) ? ERRORS[code].remedy : "a newer version of podrole describes this code";
}

/**
 * A message may end with the remedy of its code. Whatever else stands behind a " -- " is a part of the reason: it may
 * quote an annotation, and whoever may create Events can forge one. What an operator should do never comes from there.
 */
function withoutRemedy(code: string, message: string): string {
  const remedy = ` -- ${codeRemedy(code)}`;
  return message.endsWith(remedy) ? message.slice(0, -remedy.length) : message;
}
