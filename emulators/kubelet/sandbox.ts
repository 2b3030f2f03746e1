// One container as a process of this host: its image becomes a command of the host, its mounts become directories, and
// it gets only the environment that its spec and image declare. PATH comes from the node's options.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Container, VolumeMount } from "../../src/kubernetes/objects.ts";
import { type ConfigProblem, containerVariables, expandVariables, isProblem, type PlacedPod } from "./environment.ts";
import { createPathRewriter, type MountedPath } from "./mounts.ts";
import type { ProcessSpec } from "./process.ts";

/** The equivalent of a container image on this host. */
export interface HostImage {
  /** ENTRYPOINT, as a command of this host; a container's `command` replaces it. */
  readonly command: readonly string[];
  /** CMD; a container's `args` replace it. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** WORKDIR on this host; default: an empty directory. */
  readonly directory?: string;
  /** Programs of the image by their names in pod specs, each as a command of this host. */
  readonly programs?: Readonly<Record<string, readonly string[]>>;
}

/** The process of a container, and further commands beside it. */
export interface Sandbox {
  readonly main: ProcessSpec;
  /** Returns a further command inside the container, as a hook, a probe or `kubectl exec` runs it. */
  exec(command: readonly string[]): ProcessSpec;
  /** Host path of the termination message. */
  readonly terminationFile: string;
}

/** The facts of the node that a container depends on. */
export interface SandboxSettings {
  readonly placed: PlacedPod;
  readonly image: HostImage;
  /** A directory only for this container, created with mode 0700. */
  readonly directory: string;
  readonly volumePath: (name: string) => string | undefined;
  /** PATH of the process, unless the image or the container sets its own. */
  readonly searchPath: string;
}

const TERMINATION_LOG = "/dev/termination-log";

/** Returns the sandbox, or why the container cannot be created on this node. */
export async function createSandbox(container: Container, settings: SandboxSettings): Promise<Sandbox | ConfigProblem> {
  const { placed, image, directory, volumePath, searchPath } = settings;
  const variables = containerVariables(container, placed);
  if (isProblem(variables)) return variables;
  const lookup = (name: string) => variables.get(name) ?? image.env?.[name];

  const mounted = (container.volumeMounts ?? []).map((mount) => mountedPath(mount, volumePath));
  const problem = mounted.find((mount) => isProblem(mount));
  if (problem) return problem;
  const mounts = mounted as MountedPath[];
  const work = join(directory, "work");
  for (const path of [work, ...mounts.map(({ hostPath }) => hostPath)]) {
    await mkdir(path, { recursive: true, mode: 0o700 });
  }

  const terminationFile = join(directory, "termination-log");
  const { terminationMessagePath = TERMINATION_LOG, workingDir } = container as {
    terminationMessagePath?: string;
    workingDir?: string;
  };
  const rewrite = createPathRewriter([...mounts, { containerPath: terminationMessagePath, hostPath: terminationFile }]);
  const env = {
    PATH: searchPath,
    ...image.env,
    ...Object.fromEntries([...variables].map(([name, value]) => [name, rewrite(value)])),
  };
  const inside = workingDir === undefined ? undefined : rewrite(workingDir);
  // A workingDir inside the image does not exist on this host, so the image's directory is used; one inside a volume
  // exists.
  const processDirectory = inside === undefined || inside === workingDir ? (image.directory ?? work) : inside;
  const spec = (command: readonly string[]): ProcessSpec => ({ command, env, directory: processDirectory });
  const onHost = ([program = "", ...args]: readonly string[]) => [
    ...(image.programs?.[program] ?? [rewrite(program)]),
    ...args.map(rewrite),
  ];
  const expanded = (args: readonly string[]) => args.map((arg) => expandVariables(arg, lookup));
  // CMD belongs to ENTRYPOINT: a container that replaces ENTRYPOINT loses CMD.
  const args = container.args ?? (container.command ? [] : (image.args ?? []));
  const command = container.command ? onHost(expanded(container.command)) : image.command;
  return {
    main: spec([...command, ...expanded(args).map(rewrite)]),
    exec: (args) => spec(onHost(args)),
    terminationFile,
  };
}

function mountedPath(
  { name, mountPath, subPath }: VolumeMount,
  volumePath: (name: string) => string | undefined,
): MountedPath | ConfigProblem {
  const volume = volumePath(name);
  if (volume === undefined) return { problem: `mount ${mountPath} names the volume "${name}", which the pod lacks` };
  if (subPath?.startsWith("/") || subPath?.split("/").includes("..")) {
    return { problem: `mount ${mountPath} has a subPath that leaves its volume` };
  }
  return { containerPath: mountPath, hostPath: join(volume, subPath ?? "") };
}
