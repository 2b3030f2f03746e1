// Flags that several commands share, and how flags become typed options: every problem is collected, so that one run
// reports them all.
import { type Command, Option } from "commander";
import { type Checked, success } from "../../runtime/result.ts";
import { flagName, type Parser } from "../../runtime/settings.ts";
import type { Flags } from "../terminal.ts";

/** Typed options of a command, or every problem of its command line. */
export type Arguments<Options> = Checked<Options>;

/** Reads flags one at a time and collects the problems of all of them. */
export interface FlagReader {
  /** The parsed value; undefined when the flag is absent, or cannot be used: then that is a problem. */
  read<T>(key: string, parser: Parser<T>): T | undefined;
  /** Records a problem, beginning with the flag that it is about. */
  refuse(problem: string): void;
  /** The options, unless there was a problem. */
  finish<Options>(options: Options): Arguments<Options>;
}

/** Creates a reader without problems. `flags`: texts by key, as commander delivers them. */
export function createFlagReader(flags: Flags): FlagReader {
  const problems: string[] = [];
  return {
    read(key, parser) {
      const text = flags[key];
      if (text === undefined) return undefined;
      const value = parser.parse(text);
      if (value === undefined) problems.push(`--${flagName(key)}: ${JSON.stringify(text)} is not ${parser.expects}`);
      return value;
    },
    refuse: (problem) => void problems.push(problem),
    finish: (options) => (problems.length > 0 ? { ok: false, problems } : success(options)),
  };
}

/** Which cluster, as the flags name it. */
export interface Connection {
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
}

/** Declares the flags of a command that talks to a cluster. */
export function declareConnection(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--kubeconfig <file>",
        "Kubeconfig file (default: KUBECONFIG, ~/.kube/config, or the pod's ServiceAccount)",
      ).helpGroup(CLUSTER_HEADING),
    )
    .addOption(
      new Option("--context <name>", "Context of the kubeconfig (default: its current context)").helpGroup(
        CLUSTER_HEADING,
      ),
    );
}

/** A cluster, and where podrole runs in it. */
export interface InstallationArguments {
  readonly connection: Connection;
  readonly podroleNamespace: string | undefined;
}

/** Declares the flags of a command that reads what is installed. */
export function declareInstallation(command: Command): Command {
  command.addOption(
    new Option(
      "--podrole-namespace <namespace>",
      "Namespace in which podrole runs (default: that of the Service in podrole's MutatingWebhookConfiguration; without one, that of the Deployments with podrole's labels, otherwise podrole)",
    ).helpGroup(CLUSTER_HEADING),
  );
  return declareConnection(command);
}

/** Heading of the flags that say which cluster and installation. */
export const CLUSTER_HEADING = "Cluster:";

/** Which cluster the flags name. */
export function readConnection({ kubeconfig, context }: Flags): Connection {
  return { kubeconfig, context };
}

/** Which installation the flags name. */
export function readInstallation(flags: Flags): InstallationArguments {
  return { connection: readConnection(flags), podroleNamespace: flags["podroleNamespace"] };
}

/** Returns -o with the formats that a command has; the first one is the default. */
export function outputOption(formats: readonly string[] = ["text", "json"]): Option {
  return new Option(`-o, --output <${formats.join("|")}>`, `Output format (default: ${formats[0]})`).choices([
    ...formats,
  ]);
}

/** Returns -f of a command that reads several files; filesOf() reads its value. */
export function filesOption(description: string): Option {
  return new Option("-f, --filename <file...>", description).argParser(appendFile);
}

/** Adds one value of a flag that several files may be given to: joined by newlines, which file names do not contain. */
export function appendFile(value: string, previous: string | undefined): string {
  return previous === undefined ? value : `${previous}\n${value}`;
}

/** The files that appendFile() has joined. */
export function filesOf(text: string | undefined): readonly string[] {
  return text === undefined ? [] : text.split("\n");
}

/** Returns -n of a command that otherwise covers all namespaces. */
export function namespaceOption(): Option {
  return new Option("-n, --namespace <namespace>", "Only pods of this namespace (default: all namespaces)");
}
