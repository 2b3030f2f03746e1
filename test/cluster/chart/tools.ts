// Calls Helm and kustomize as a user does and parses the objects that they print.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { stringify } from "yaml";
import { parseDocuments, ROOT } from "../../files.ts";

const { HELM = "helm", KUBECTL = "kubectl" } = process.env;
export const MANIFESTS = join(ROOT, "manifests");
export const CHART = join(MANIFESTS, "chart");

export interface ChartObject {
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

export interface ToolResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function run(command: string, args: readonly string[], input = ""): ToolResult {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8", input, maxBuffer: 2 ** 26 });
  if (error) throw error;
  return { code: status ?? 1, out: stdout, err: stderr };
}

/** Runs Helm; passes `values` as `-f -` on its standard input. */
export function runHelm(args: readonly string[], values?: object): ToolResult {
  return values === undefined ? run(HELM, args) : run(HELM, [...args, "-f", "-"], JSON.stringify(values));
}

/** Runs a Helm command in namespace podrole with these values; fails if it does. */
export function helmOrFail(args: readonly string[], values?: object): void {
  const { code, err } = runHelm([...args, "--namespace", "podrole"], values);
  assert.equal(code, 0, err);
}

/** Runs a Helm command that accepts no values, such as rollback and uninstall. */
export function helmBare(...args: string[]): void {
  const { code, err } = runHelm(args);
  assert.equal(code, 0, err);
}

function orThrow({ code, out, err }: ToolResult, what: string): string {
  if (code !== 0) throw new RangeError(`${what}: ${err}`);
  return out;
}

const objectsOf = (yaml: string): ChartObject[] =>
  parseDocuments<ChartObject | null>(yaml).filter((object) => object !== null);

export function helmTemplate(values: object, namespace = "podrole"): readonly ChartObject[] {
  return objectsOf(orThrow(runHelm(["template", "podrole", CHART, "--namespace", namespace], values), "helm template"));
}

/** Renders `path`, a folder below manifests/, with the given components of manifests/components/. */
export function renderKustomization(path: string, components: readonly string[] = []): readonly ChartObject[] {
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
