// Calls Helm and kustomize as a user does and parses the objects that they print.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { stringify } from "yaml";
import { parseDocuments, ROOT } from "../../files.ts";

const { HELM = "helm", KUBECTL = "kubectl" } = process.env;
export const MANIFESTS = join(ROOT, "manifests");
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

export interface CommandResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function run(command: string, args: readonly string[], input = ""): CommandResult {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8", input, maxBuffer: 2 ** 26 });
  if (error) throw error;
  return { code: status ?? 1, out: stdout, err: stderr };
}

/** Runs Helm; passes `values` as `-f -` on its standard input. */
export function helm(args: readonly string[], values?: object): CommandResult {
  return values === undefined ? run(HELM, args) : run(HELM, [...args, "-f", "-"], JSON.stringify(values));
}

function orThrow({ code, out, err }: CommandResult, what: string): string {
  if (code !== 0) throw new RangeError(`${what}: ${err}`);
  return out;
}

const objectsOf = (yaml: string): KubeObject[] =>
  parseDocuments<KubeObject | null>(yaml).filter((object) => object !== null);

export function helmTemplate(values: object, namespace = "podrole"): readonly KubeObject[] {
  return objectsOf(orThrow(helm(["template", "podrole", CHART, "--namespace", namespace], values), "helm template"));
}

/** Renders `path`, a folder below manifests/, with the given components of manifests/components/. */
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
