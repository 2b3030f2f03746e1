// What a migration is judged on: manifests when --filename is given, else the cluster that kubectl would speak with.
import { PodroleError } from "../../protocol/errors.ts";
import { openCluster } from "../../cli/cluster.ts";
import type { KubernetesObject } from "../manifests/objects.ts";
import type { Terminal } from "../../cli/terminal.ts";
import { readObjects } from "./read.ts";
import { readCluster } from "./read-cluster.ts";

export type MigrationInput =
  | {
      readonly ok: true;
      readonly objects: readonly KubernetesObject[];
      /** What could not be read and does not prevent a report. */
      readonly omissions: readonly string[];
      readonly nativeSidecars: boolean;
    }
  | { readonly ok: false; readonly problems: readonly string[] };

export async function readInput(
  terminal: Terminal,
  flags: Readonly<Record<string, string>>,
  command: string,
): Promise<MigrationInput> {
  const { filename, namespace } = flags;
  if (filename !== undefined) {
    const { objects, problems } = await readObjects(terminal, filename.split(","));
    if (problems.length > 0) return { ok: false, problems };
    // An export that failed is an empty file: a report that all is well would be about nothing.
    if (objects.length === 0) return { ok: false, problems: [`--filename: ${filename} has no object of Kubernetes`] };
    const isWanted = ({ kind, metadata }: KubernetesObject) =>
      namespace === undefined ||
      (kind === "Namespace" ? metadata.name : (metadata.namespace ?? "default")) === namespace;
    return { ok: true, objects: objects.filter(isWanted), omissions: [], nativeSidecars: true };
  }
  try {
    const kubernetes = openCluster(terminal, flags);
    try {
      const progress = (line: string) => terminal.err(`podrole ${command}: read ${line}\n`);
      const { objects, problems, nativeSidecars } = await readCluster({ kubernetes, progress }, namespace);
      return { ok: true, objects, omissions: problems, nativeSidecars };
    } finally {
      await kubernetes.close();
    }
  } catch (error) {
    if (!(error instanceof PodroleError)) throw error;
    return { ok: false, problems: [error.message] };
  }
}
