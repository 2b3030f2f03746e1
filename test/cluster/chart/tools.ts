// Helm and kustomize as a person calls them, and what they make as objects.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { parseAllDocuments, stringify } from "yaml";

const { HELM = "helm", KUBECTL = "kubectl" } = process.env;
export const MANIFESTS = join(import.meta.dirname, "../../../manifests");
export const CHART = join(MANIFESTS, "chart");

export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  readonly [field: string]: unknown;
}

export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function run(command: string, words: readonly string[], input = ""): Said {
  const { status, stdout, stderr, error } = spawnSync(command, words, { encoding: "utf8", input, maxBuffer: 2 ** 26 });
  if (error) throw error;
  return { code: status ?? 1, out: stdout, err: stderr };
}

/** Runs Helm; `values` go to its standard input, where a `-f -` reads them. */
export function helm(words: readonly string[], values?: object): Said {
  return values === undefined ? run(HELM, words) : run(HELM, [...words, "-f", "-"], JSON.stringify(values));
}

function orThrow({ code, out, err }: Said, what: string): string {
  if (code !== 0) throw new RangeError(`${what}: ${err}`);
  return out;
}

const objectsOf = (yaml: string): KubeObject[] =>
  parseAllDocuments(yaml)
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object) => object !== null);

export function helmTemplate(values: object, namespace = "podrole"): readonly KubeObject[] {
  return objectsOf(orThrow(helm(["template", "podrole", CHART, "--namespace", namespace], values), "helm template"));
}

/** `path`, a folder below manifests/, with these components below manifests/components/. */
export function kustomize(path: string, components: readonly string[] = []): readonly KubeObject[] {
  const directory = mkdtempSync(join(tmpdir(), "podrole-kustomize-"));
  try {
    const below = (folder: string) => relative(directory, join(MANIFESTS, folder));
    const kustomization = {
      resources: [below(path)],
      components: components.map((name) => below(join("components", name))),
    };
    writeFileSync(join(directory, "kustomization.yaml"), stringify(kustomization));
    return objectsOf(orThrow(run(KUBECTL, ["kustomize", directory]), `kustomize ${path}`));
  } finally {
    rmSync(directory, { recursive: true });
  }
}
