// The Kubernetes objects that a migration is planned for: manifests and exports, or a cluster.
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { OperatorKubernetes } from "../../../kubernetes/operator.ts";
import { type Checked, success } from "../../../runtime/result.ts";
import type { Installed } from "../../installed.ts";
import {
  type KubernetesObject,
  type NamedText,
  namespaceOf,
  type ParsedObjects,
  parseObjects,
} from "../../manifests/parse-objects.ts";
import { installedAmong, installedIn } from "./installed-podrole.ts";
import { readCluster } from "./read-cluster.ts";

/** `namespace` limits the input to one namespace. */
export type InputSource = { readonly namespace: string | undefined } & (
  | {
      readonly from: "files";
      /** Files, folders, or "-" for standard input. */
      readonly paths: readonly string[];
    }
  | { readonly from: "cluster"; readonly kubernetes: OperatorKubernetes }
);

/** What the input is read with. */
export interface InputDeps {
  readonly readStdin: () => Promise<string>;
  /** Called after each list that was read from a cluster. */
  readonly onProgress: (progress: { readonly count: number; readonly resource: string }) => void;
}

/** A problem with an option of the command, or with its input as a whole. */
export interface MigrationProblem {
  readonly option?: "filename" | "kiamValues" | "predecessorNamespace" | "roleBaseArn";
  readonly text: string;
}

/** What a migration is planned for. */
export interface MigrationInput {
  readonly objects: readonly KubernetesObject[];
  /** What could not be read, or has to be verified, and does not prevent a report, one sentence each. */
  readonly omissions: readonly string[];
  /** Whether the cluster has native sidecars; assumed for files. */
  readonly hasNativeSidecars: boolean;
  /** podrole's own settings, if it is installed already. */
  readonly installed: Installed;
}

/** Throws ApiError if the cluster does not answer. */
export async function readMigrationInput(
  deps: InputDeps,
  source: InputSource,
): Promise<Checked<MigrationInput, MigrationProblem>> {
  if (source.from === "files") return readFiles(deps, source.paths, source.namespace);
  const { kubernetes, namespace } = source;
  const { objects, problems, hasNativeSidecars } = await readCluster(
    { kubernetes, onProgress: deps.onProgress },
    namespace,
  );
  const { installed, notes } = await installedIn(kubernetes);
  return success({ objects, omissions: [...problems, ...notes], hasNativeSidecars, installed });
}

async function readFiles(
  deps: InputDeps,
  paths: readonly string[],
  namespace: string | undefined,
): Promise<Checked<MigrationInput, MigrationProblem>> {
  const parts: ParsedObjects[] = [];
  const problems: MigrationProblem[] = [];
  for (const path of paths) {
    const texts = await readManifests(deps, path);
    if (texts === undefined) problems.push({ option: "filename", text: `${path} cannot be read` });
    for (const { origin, text } of texts ?? []) parts.push(parseObjects(text, origin));
  }
  const objects = parts.flatMap((part) => part.objects);
  problems.push(...parts.flatMap((part) => part.problems.map((text) => ({ text }))));
  if (problems.length > 0) return { ok: false, problems };
  // A failed export is an empty file; a report about it would say that all is well.
  if (objects.length === 0) {
    return {
      ok: false,
      problems: [{ option: "filename", text: `${paths.join(",")} contains no Kubernetes object` }],
    };
  }
  const isSelected = (object: KubernetesObject) =>
    namespace === undefined || (object.kind === "Namespace" ? object.metadata.name : namespaceOf(object)) === namespace;
  return success({
    objects: objects.filter(isSelected),
    omissions: [],
    hasNativeSidecars: true,
    installed: installedAmong(objects),
  });
}

/** Folders are read recursively, their files by name. Undefined if there is no such file or folder. */
async function readManifests({ readStdin }: InputDeps, path: string): Promise<readonly NamedText[] | undefined> {
  if (path === "-") return [{ origin: "standard input", text: await readStdin() }];
  try {
    const files = (await stat(path)).isDirectory() ? await manifestsIn(path) : [path];
    const texts: NamedText[] = [];
    for (const file of files) texts.push({ origin: file, text: await readFile(file, "utf8") });
    return texts;
  } catch {
    return undefined;
  }
}

async function manifestsIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /\.(ya?ml|json)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}
