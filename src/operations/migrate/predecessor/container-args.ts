// The command lines of kiam, kube2iam and podrole's server, read from the containers of their pods.
import { isDeepStrictEqual } from "node:util";
import { parseImage } from "../../../injection/image.ts";
import { allContainers, findShapeProblem, listOf } from "../../../injection/shape.ts";
import type { Container } from "../../../kubernetes/objects.ts";
import { parseBaseArn } from "../../../policy/role.ts";
import { type ContainerFlags, parseContainerFlags } from "../../manifests/container-flags.ts";
import type { KubernetesObject } from "../../manifests/parse-objects.ts";
import { templateOf } from "../../manifests/templates.ts";

/** The flags of a program, and the object that has them. */
export interface CommandLine {
  readonly namespace: string;
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
  const [first] = commandLines(objects, program);
  return first;
}

/**
 * Returns where command lines of the program contradict each other in different namespaces, one place for each; empty
 * if they do not. Whoever may create a workload in some namespace can give it any image and flags, so that none of them
 * may count as the installation's before the operator has named its namespace.
 */
export function contradictingPlaces(
  objects: readonly KubernetesObject[],
  program: ProgramCommand,
): readonly CommandLine[] {
  const byNamespace = new Map<string, CommandLine>();
  for (const line of commandLines(objects, program)) {
    if (!byNamespace.has(line.namespace)) byNamespace.set(line.namespace, line);
  }
  const lines = [...byNamespace.values()];
  return lines.some(({ flags }) => !isDeepStrictEqual(flags, lines[0]?.flags)) ? lines : [];
}

/** Those of workloads, then those of pods. */
function commandLines(objects: readonly KubernetesObject[], program: ProgramCommand): readonly CommandLine[] {
  const lines = objects.flatMap((object) => {
    const template = templateOf(object);
    if (!template || findShapeProblem(template.pod) !== undefined) return [];
    const container = allContainers(template.pod).find((each) => runsProgram(each, program));
    if (!container) return [];
    const { kind, metadata } = object;
    const { namespace = "default", name = "" } = metadata;
    const flags = parseContainerFlags(argsOf(container));
    return [{ namespace, place: `${kind} ${namespace}/${name}`, flags, isPod: kind === "Pod" }];
  });
  return lines.toSorted((a, b) => Number(a.isPod) - Number(b.isPod));
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
