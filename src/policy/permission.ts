// What one annotation of a namespace says about a role: the same answers, whichever format the annotation has.
import type { Result } from "../runtime/result.ts";
import { quoted } from "./annotations.ts";

/** Whether an annotation permits a role; `state` follows "Cannot give role …: ". */
export type Permission =
  | { readonly permitted: true }
  | { readonly permitted: false; readonly code: "ROLE_FORBIDDEN" | "PERMITTED_INVALID"; readonly state: string };

/** Tests the ARN of a role. Never throws. */
export type RoleTest = (arn: string) => boolean;

/** An annotation of a namespace, and how it is read. */
export interface PermittingAnnotation {
  readonly namespace: string;
  readonly name: string;
  readonly value: string;
  /** The name, with what else decides how the value is read. */
  readonly title: string;
  /** Not called for an empty value, which permits nothing in every format. */
  readonly read: (value: string) => Result<RoleTest>;
}

/** Returns whether the annotation permits the role. PERMITTED_INVALID if it cannot be read. */
export function permissionBy({ namespace, name, value, title, read }: PermittingAnnotation, arn: string): Permission {
  if (value === "") return forbidden(`namespace "${namespace}" permits nothing: ${name} is empty`);
  const stated = `namespace "${namespace}" permits ${quoted(value)} (${title}), which`;
  const test = read(value);
  if (!test.ok) return { permitted: false, code: "PERMITTED_INVALID", state: `${stated} ${test.problem}` };
  return test.value(arn) ? { permitted: true } : forbidden(`${stated} does not match`);
}

/** Returns a clear denial. */
export function forbidden(state: string): Permission {
  return { permitted: false, code: "ROLE_FORBIDDEN", state };
}
