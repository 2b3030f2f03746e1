// The cluster that a command talks to: chosen as kubectl chooses it, with the caller's own rights.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createOperatorKubernetes } from "../kubernetes/client.ts";
import { ApiError, UnusableKubeconfig } from "../kubernetes/errors.ts";
import type { OperatorKubernetes } from "../kubernetes/operator.ts";
import { shellQuote } from "../operations/migrate/shell-commands.ts";
import { findOwnNamespaceProblem, findPodroleNamespace } from "../operations/podrole-namespace.ts";
import { PodroleError } from "../protocol/errors.ts";
import type { Connection } from "./arguments/flags.ts";
import { type Terminal, writeNote, writeProblems } from "./terminal.ts";

/**
 * Opens the cluster, runs `use` and closes it again. A cluster that cannot be reached or read ends with exit code 2.
 */
export async function withCluster(
  terminal: Terminal,
  command: string,
  connection: Connection,
  use: (kubernetes: OperatorKubernetes) => Promise<number>,
): Promise<number> {
  try {
    const kubernetes = openConnection(terminal, connection);
    try {
      return await use(kubernetes);
    } finally {
      await kubernetes.close();
    }
  } catch (error) {
    if (!(error instanceof PodroleError || error instanceof UnusableKubeconfig)) throw error;
    const isUnreachable = error instanceof ApiError && error.status === 0;
    const hints = isUnreachable ? [unreachableHint(terminal, connection)] : [];
    return writeProblems(terminal, command, [error.message, ...hints]);
  }
}

/** Says which kubeconfig and context name the API server, and how to ask it without podrole. */
function unreachableHint({ env }: Pick<Terminal, "env">, { kubeconfig, context }: Connection): string {
  const path = kubeconfigPath(env, kubeconfig);
  if (path === undefined) return "the API server is that of this pod's cluster; next: kubectl get --raw /readyz";
  const named = context === undefined ? "the current context" : `context "${context}"`;
  const flags = context === undefined ? "" : ` --context ${shellQuote(context)}`;
  const next = `KUBECONFIG=${shellQuote(path)} kubectl${flags} get --raw /readyz`;
  return `${named} of kubeconfig ${path} names this API server; next: ${next}`;
}

/** podrole's own namespace and that of the pods, as the flags name them; undefined for those that they do not name. */
export interface Namespaces {
  readonly podroleNamespace: string | undefined;
  readonly namespace: string | undefined;
}

/**
 * As withCluster(), with podrole's own namespace. Ends with exit code 2 if that namespace is ambiguous, or if the pods
 * are said to be in it.
 */
export function withPodrole(
  terminal: Terminal,
  command: string,
  { connection, podroleNamespace, namespace }: Namespaces & { readonly connection: Connection },
  use: (kubernetes: OperatorKubernetes, podroleNamespace: string) => Promise<number>,
): Promise<number> {
  return withCluster(terminal, command, connection, async (kubernetes) => {
    const found = await findPodroleNamespace(kubernetes, podroleNamespace);
    if (!found.ok) return writeProblems(terminal, command, [found.problem]);
    const { name, note } = found.value;
    const problem = findOwnNamespaceProblem(namespace, name);
    if (problem !== undefined) return writeProblems(terminal, command, [problem]);
    if (note !== undefined) writeNote(terminal, command, note);
    return use(kubernetes, name);
  });
}

/** Sends no request yet. Throws UnusableKubeconfig. The caller closes it. */
export function openConnection({ env }: Pick<Terminal, "env">, { kubeconfig, context }: Connection) {
  const path = kubeconfigPath(env, kubeconfig);
  if (path === undefined && !env["KUBERNETES_SERVICE_HOST"]) {
    const tried = "KUBECONFIG is not set, ~/.kube/config does not exist, and this is not a pod";
    throw new UnusableKubeconfig(`Cannot find a cluster: ${tried}; expected --kubeconfig FILE`);
  }
  return createOperatorKubernetes({ kubeconfigPath: path, context, component: "podrole-cli" });
}

/** --kubeconfig, else KUBECONFIG, else ~/.kube/config if it exists, else (undefined) the ServiceAccount of this pod. */
function kubeconfigPath(env: Terminal["env"], given: string | undefined): string | undefined {
  if (given !== undefined) return given;
  if (env["KUBECONFIG"]) return env["KUBECONFIG"];
  const usual = join(env["HOME"] ?? "/", ".kube", "config");
  return existsSync(usual) ? usual : undefined;
}
