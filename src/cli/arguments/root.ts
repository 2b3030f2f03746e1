// Flags and help of podrole without a command, and of the commands that need no arguments.
import type { Command } from "commander";
import { addHelp } from "./help.ts";

/** Adds examples and pointers to the help of podrole without a command. */
export function declareRoot(program: Command): void {
  addHelp(program, {
    examples: [
      ["Can this cluster run podrole? Is podrole healthy?", "podrole check --pre\npodrole check"],
      ["Why does this pod have no role?", "podrole explain pod/orders-7d9f -n shop"],
      ["Who got a role in the last day?", "podrole audit who --role shop-orders --since 24h --from-cluster"],
      ["What changes for each pod if I replace kiam?", "podrole migrate kiam"],
    ],
    exitCodes: [
      [0, "done"],
      [1, "the answer is no, or something failed; the help of each command says what"],
      [2, "the command line, a setting or the input cannot be used, or the cluster cannot be reached"],
    ],
    docs: "podrole <command> --help describes a command; docs/operate.md describes operation",
  });
}

/** Declares the flags of podrole demo. */
export function declareDemo(command: Command): void {
  command
    .option("--json", "Print the steps as JSON lines (default: readable text)")
    .option("--ui", "Stay until Ctrl-C, and show a small living cluster on the page of podrole ui")
    .option(
      "--pod-certificates",
      "Prove the pod by a pod certificate of Kubernetes 1.37 (default: by a token); not with --ui",
    )
    .option("--no-open", "With --ui, print the address of the page and do not open a browser");
  addHelp(command, {
    examples: [
      ["The whole path of a credential, in seconds", "podrole demo"],
      ["The same, and the kubelet proves the pod", "podrole demo --pod-certificates"],
      ["The identity map, on pods that come, are refused, renew and go", "podrole demo --ui"],
    ],
    exitCodes: [
      [0, "the permitted pod got its role, and the other pod was refused; with --ui: interrupted"],
      [1, "a pod did not get the expected result"],
      [2, "the command line cannot be used"],
      [130, "interrupted; its processes and files are removed"],
    ],
    docs: "ARCHITECTURE.md describes the path of a credential; docs/install.md describes the installation",
  });
}

/** Declares podrole version. */
export function declareVersion(command: Command): Command {
  addHelp(command.description("Print the version"), {
    examples: [["The version of this command line", "podrole version"]],
    exitCodes: [
      [0, "done"],
      [2, "the command line cannot be used"],
    ],
    docs: "docs/operate.md describes which versions work together",
  });
  return command;
}
