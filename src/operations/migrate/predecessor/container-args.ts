// The command lines of kiam, kube2iam and podrole's server, read from the containers of their pods.

import { parseImage } from "../../../injection/image.ts";
import { allContainers, findShapeProblem, listOf } from "../../../injection/shape.ts";
import type { Container } from "../../../kubernetes/objects.ts";
import { parseBaseArn } from "../../../policy/role.ts";
import { type ContainerFlags, parseContainerFlags } from "../../manifests/container-flags.ts";
import type { KubernetesObject } from "../../manifests/parse-objects.ts";
import { templateOf } from "../../manifests/templates.ts";

/** The flags of a program, and the object that has them. */
export interface CommandLine {
  /** Such as "DaemonSet kube-system/kiam-server". */
  readonly place: string;
  readonly flags: ContainerFlags;
}

/** Programs whose command lines are read. */
export type ProgramCommand = "kiam server" | "kiam agent" | "kube2iam" | "podrole server";

/** The first command line of the program in the input; that of a workload is preferred to that of a pod. */
export function findCommandLine(
  objects: readonly KubernetesObject[],
  program: ProgramCommand,
): CommandLine | undefined {
  const ordered = [...objects].toSorted((a, b) => Number(a.kind === "Pod") - Number(b.kind === "Pod"));
  for (const object of ordered) {
    const template = templateOf(object);
    if (!template || findShapeProblem(template.pod) !== undefined) continue;
    const container = allContainers(template.pod).find((each) => runsProgram(each, program));
    if (!container) continue;
    const { namespace = "default", name = "" } = object.metadata;
    return { place: `${object.kind} ${namespace}/${name}`, flags: parseContainerFlags(argsOf(container)) };
  }
  return undefined;
}

const BASE_ARN_FLAGS: readonly (readonly [ProgramCommand, string])[] = [
  ["podrole server", "role-base-arn"],
  ["kiam server", "role-base-arn"],
  ["kube2iam", "base-role-arn"],
];

/** The first usable base ARN on a command line of podrole, kiam or kube2iam, in this order. */
export function findBaseArn(objects: readonly KubernetesObject[]): string | undefined {
  for (const [program, flag] of BASE_ARN_FLAGS) {
    const value = findCommandLine(objects, program)?.flags.get(flag);
    const baseArn = value === undefined ? undefined : parseBaseArn(value);
    if (baseArn !== undefined) return baseArn;
  }
  return undefined;
}

function runsProgram(container: Container, program: ProgramCommand): boolean {
  const [name = "", command] = program.split(" ");
  const args = argsOf(container);
  const image = parseImage(container.image ?? "");
  const isProgram = image.name === name || args[0] === `/${name}` || args[0] === name;
  return isProgram && (command === undefined || args.includes(command));
}

function argsOf({ command, args }: Container): readonly string[] {
  return [...listOf(command), ...listOf(args)].filter((arg) => typeof arg === "string");
}
