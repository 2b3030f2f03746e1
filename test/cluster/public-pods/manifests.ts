// Manifests of other people, read from a folder: texts with at least one pod, and the pods as a controller would create
// them.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Pod } from "../../../src/kubernetes/objects.ts";
import { namespaceOf, parseObjects } from "../../../src/operations/manifests/parse-objects.ts";
import { templatesOf } from "../../../src/operations/manifests/templates.ts";

/** A file with pods. */
export interface PodManifests {
  /** Path below the folder. */
  readonly name: string;
  readonly text: string;
  readonly namespaces: readonly string[];
  /** With the path of each, such as "Deployment/web 1". */
  readonly pods: readonly { readonly name: string; readonly pod: Pod }[];
}

/** What a folder has: files with pods, and files that podrole does not read, with the reason. */
interface PodFolder {
  readonly files: readonly PodManifests[];
  readonly unread: readonly { readonly name: string; readonly text: string; readonly problem: string }[];
}

/** Reads every YAML and JSON file below the folder. Files without pods are left out. */
export function readFolder(folder: string): PodFolder {
  const names = globSync("**/*.{yaml,yml,json}", { cwd: folder }).toSorted();
  const read = names.map((name) => readManifests(name, readFileSync(join(folder, name), "utf8")));
  return {
    files: read.flatMap((each) => ("pods" in each && each.pods.length > 0 ? [each] : [])),
    unread: read.flatMap((each) => ("problem" in each ? [each] : [])),
  };
}

function readManifests(name: string, original: string): PodManifests | PodFolder["unread"][number] {
  // podrole injects no pod of Kubernetes' own namespaces, for which many charts are.
  const text = original.replaceAll(/^(\s*"?namespace"?:\s*["']?)kube-(system|public)\b/gm, "$1system-$2");
  const { objects, problems } = parseObjects(text, name);
  const [problem] = problems;
  if (problem !== undefined) return { name, text, problem };
  const pods = objects.flatMap((object) =>
    templatesOf(object).map(({ pod }, index) => {
      return { name: `${object.kind}/${object.metadata.name ?? ""} ${index + 1}`, pod: createdFrom(pod) };
    }),
  );
  return { name, text, namespaces: [...new Set(objects.map(namespaceOf))], pods };
}

/** The pod without what only the API server sets. */
function createdFrom({ metadata, spec }: Pod): Pod {
  const { labels, annotations } = metadata;
  const given = { ...(labels && { labels }), ...(annotations && { annotations }) };
  return { apiVersion: "v1", kind: "Pod", metadata: { generateName: "pod-", ...given }, spec };
}
