// The command lines of kiam and kube2iam, as the containers of their pods carry them: "--flag=value", "--flag value",
// "--flag", and kiam's "--no-flag".
import type { Container } from "../../kubernetes/objects.ts";
import { allContainers, findShapeProblem, listOf } from "../../injection/shape.ts";
import { templateOf } from "../manifests/templates.ts";
import type { KubernetesObject } from "../manifests/objects.ts";

export type Flags = ReadonlyMap<string, string>;

export interface CommandLine {
  /** "DaemonSet kube-system/kiam-server". */
  readonly place: string;
  readonly flags: Flags;
}

export type Program = "kiam server" | "kiam agent" | "kube2iam" | "podrole server";

/** The first one of the input; a workload rather than its pods. */
export function findCommandLine(objects: readonly KubernetesObject[], program: Program): CommandLine | undefined {
  const ordered = [...objects].toSorted((a, b) => Number(a.kind === "Pod") - Number(b.kind === "Pod"));
  for (const object of ordered) {
    const template = templateOf(object);
    if (!template || findShapeProblem(template.pod) !== undefined) continue;
    const container = allContainers(template.pod).find((each) => runs(each, program));
    if (!container) continue;
    const { namespace = "default", name = "" } = object.metadata;
    return { place: `${object.kind} ${namespace}/${name}`, flags: parseFlags(wordsOf(container)) };
  }
  return undefined;
}

function runs(container: Container, program: Program): boolean {
  const [name = "", command] = program.split(" ");
  const words = wordsOf(container);
  const image = (container.image ?? "").split(/[:@]/, 1)[0] ?? "";
  const isProgram = image.endsWith(`/${name}`) || words[0] === `/${name}` || words[0] === name;
  return isProgram && (command === undefined || words.includes(command));
}

function wordsOf({ command, args }: Container): readonly string[] {
  return [...listOf(command), ...listOf(args)].filter((word) => typeof word === "string");
}

/** A word that follows a flag is its value, unless it is a flag itself; of two flags with one name the last counts. */
export function parseFlags(words: readonly string[]): Flags {
  const flags = new Map<string, string>();
  for (const [index, word] of words.entries()) {
    const [, name, value] = /^--([a-z][\w-]*)(?:=(.*))?$/s.exec(word) ?? [];
    if (name === undefined) continue;
    const next = words[index + 1];
    if (value !== undefined) flags.set(name, value);
    else if (name.startsWith("no-")) flags.set(name.slice("no-".length), "false");
    else flags.set(name, next !== undefined && !next.startsWith("-") ? next : "true");
  }
  return flags;
}
