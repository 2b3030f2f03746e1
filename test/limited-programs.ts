// Podrole's programs with limits, as on a node: the memory limits of the manifests, and a launcher that starts each
// program in its cgroup.
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseQuantity } from "../src/kubernetes/quantity.ts";
import type { Cgroup } from "./cgroup.ts";
import { readManifest } from "./files.ts";

/** Returns the memory limit of server or webhook in bytes, as the manifests set it. */
export function memoryLimitOf(program: "server" | "webhook"): number {
  interface Workload {
    readonly kind?: string;
    readonly spec: {
      readonly template: {
        readonly spec: {
          readonly containers: readonly { readonly resources: { readonly limits: { readonly memory: string } } }[];
        };
      };
    };
  }
  const objects = readManifest<Workload>(`base/${program}.yaml`);
  const deployment = objects.find(({ kind }) => kind === "Deployment");
  return bytesOf(deployment?.spec.template.spec.containers[0]?.resources.limits.memory);
}

/** Returns a quantity of Kubernetes in bytes. */
export function bytesOf(quantity: unknown): number {
  const nano = parseQuantity(quantity);
  if (nano === undefined) throw new RangeError(`${JSON.stringify(quantity)} is no memory limit`);
  return Number(nano / 1_000_000_000n);
}

/**
 * Writes a script that puts itself into a program's group and becomes Node; returns its path. The group is named by the
 * variable PROGRAM_GROUP, or by the command line's second argument, which is the program's name.
 */
export function writeGroupLauncher(directory: string, groups: Readonly<Record<string, Cgroup>>): string {
  const cases = Object.entries(groups).map(
    ([name, { joinFiles }]) => `${name}) ${joinFiles.map((file) => `echo $$ > ${file}`).join(" && ")} ;;`,
  );
  const text = `#!/bin/sh\nset -e\ncase "\${PROGRAM_GROUP:-$2}" in\n${cases.join("\n")}\nesac\nunset PROGRAM_GROUP\nexec ${process.execPath} --disable-sigusr1 "$@"\n`;
  const path = join(directory, "in-group.sh");
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  return path;
}
