// Which system the input shows, for commands that do not ask: podrole's own server, kiam or kube2iam.
import { parseBaseArn } from "../../policy/role.ts";
import type { KubernetesObject } from "../manifests/objects.ts";
import { findCommandLine, type Program } from "./command-lines.ts";

const FLAGS: readonly (readonly [Program, string])[] = [
  ["podrole server", "role-base-arn"],
  ["kiam server", "role-base-arn"],
  ["kube2iam", "base-role-arn"],
];

/** The first one whose command line names a usable base ARN. */
export function findSystem(
  objects: readonly KubernetesObject[],
): { readonly program: Program; readonly baseArn: string } | undefined {
  for (const [program, flag] of FLAGS) {
    const value = findCommandLine(objects, program)?.flags.get(flag);
    const baseArn = value === undefined ? undefined : parseBaseArn(value);
    if (baseArn !== undefined) return { program, baseArn };
  }
  return undefined;
}
