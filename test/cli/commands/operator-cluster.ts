// An emulated API server for one test, and commands that run against it as an operator would run them.
import type { TestContext } from "node:test";
import { createKubernetesEmulator, type KubernetesEmulator } from "../../../emulators/kubernetes/emulator.ts";
import type { Action, Flags } from "../../../src/cli/terminal.ts";
import { type Clock, systemClock } from "../../../src/runtime/clock.ts";
import { writeTemporaryFile } from "../../temporary-files.ts";
import { createTerminal } from "../terminal.ts";

/** How a command is run: without a name, the operator has every permission. */
export interface OperatorOptions {
  readonly username?: string | undefined;
  readonly stdin?: string;
}

/** An API server without podrole. */
export interface OperatorCluster {
  readonly kubernetes: KubernetesEmulator;
  readonly store: KubernetesEmulator["store"];
  readonly runAction: (
    action: Action,
    args: readonly string[],
    flags?: Flags,
    options?: OperatorOptions,
  ) => Promise<{ readonly exitCode: number; readonly out: string; readonly err: string }>;
}

/** Starts the API server; it is closed when the test has ended. `clock`: its own, by which objects get their ages. */
export async function startOperatorCluster(
  context: TestContext,
  { clock = systemClock }: { readonly clock?: Clock } = {},
): Promise<OperatorCluster> {
  const kubernetes = createKubernetesEmulator({ clock });
  await kubernetes.listen();
  context.after(() => kubernetes.close());
  return {
    kubernetes,
    store: kubernetes.store,
    async runAction(action, args, flags = {}, { username, stdin = "" } = {}) {
      const kubeconfig = writeTemporaryFile(context, "kubeconfig", kubernetes.kubeconfig(username));
      const terminal = createTerminal({ stdin });
      const exitCode = await action(terminal, { kubeconfig, ...flags }, args);
      return { exitCode, out: terminal.said.out(), err: terminal.said.err() };
    },
  };
}
