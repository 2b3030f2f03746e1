// Arguments of podrole migrate: flags of all its topics, and those of kiam and kube2iam as typed options.
import { Argument, type Command } from "commander";
import { parseBaseArn } from "../../policy/role.ts";
import { flagName, integer, oneOf, type Parser } from "../../runtime/settings.ts";
import type { Flags } from "../terminal.ts";
import {
  type Arguments,
  type Connection,
  createFlagReader,
  declareConnection,
  type FlagReader,
  readConnection,
} from "./flags.ts";

export const TOPICS = ["kiam", "kube2iam", "irsa", "pod-identity"] as const;
export type Topic = (typeof TOPICS)[number];

/** Where the Kubernetes objects come from. */
export interface InputArguments {
  /** Files, folders or "-"; undefined for the cluster. */
  readonly paths: readonly string[] | undefined;
  readonly namespace: string | undefined;
  readonly connection: Connection;
}

export interface MigrateArguments {
  readonly input: InputArguments;
  readonly kiamValuesFile: string | undefined;
  readonly roleBaseArn: string | undefined;
  readonly waves: number | undefined;
  readonly output: "text" | "json" | "yaml" | "values";
}

const ABOUT = `
Topics:
  kiam, kube2iam      report what would change for each pod when the cluster moves to podrole
  irsa, pod-identity  plan the move from podrole to the AWS mechanism: trust policies, commands, pods that cannot move

Reads every setting of podrole server and podrole webhook from the environment (PODROLE_…). Changes nothing.

Exit codes: 0 no pod needs work (also for -o values), 1 some do, 2 usage, or the input cannot be read.`;

export function declareMigrate(command: Command): void {
  command
    .addArgument(new Argument("<topic>", "kiam, kube2iam, irsa or pod-identity").choices(TOPICS))
    .option(
      "-f, --filename <file>",
      'manifests, exports (kubectl get -o yaml|json) or folders, separated by commas, or "-" for standard input (default: the cluster)',
    )
    .option("-n, --namespace <namespace>", "only this namespace (default: all namespaces)")
    .option("--role-base-arn <arn>", "prefix of short role names (default: from the input)")
    .option("--kiam-values <file>", "kiam: values of its Helm chart (default: the command lines in the input)")
    .option("--waves <count>", "kiam, kube2iam: print the commands that move the namespaces, in COUNT waves")
    .option("--oidc-provider <issuer>", "irsa: the cluster's OIDC issuer")
    .option("--cluster-name <name>", "pod-identity: the EKS cluster")
    .option("--account <id>", "irsa, pod-identity: the cluster's AWS account")
    .option("--region <region>", "pod-identity: the cluster's region")
    .option("-o, --output <format>", "text, json, yaml, or values for podrole's chart (kiam, kube2iam)", "text")
    .addHelpText("after", ABOUT);
  declareConnection(command);
}

/** Flags that only some topics have. */
const FLAG_TOPICS: Readonly<Record<string, readonly Topic[]>> = {
  kiamValues: ["kiam"],
  waves: ["kiam", "kube2iam"],
  oidcProvider: ["irsa"],
  clusterName: ["pod-identity"],
  region: ["pod-identity"],
  account: ["irsa", "pod-identity"],
};

/** A reader that has refused the flags of other topics. */
export function createTopicReader(flags: Flags, topic: Topic): FlagReader {
  const reader = createFlagReader(flags);
  for (const [key, topics] of Object.entries(FLAG_TOPICS)) {
    if (flags[key] !== undefined && !topics.includes(topic)) {
      reader.refuse(`--${flagName(key)} applies to ${topics.join(" and ")}, not to ${topic}`);
    }
  }
  return reader;
}

export function readInputArguments(flags: Flags): InputArguments {
  const { filename, namespace } = flags;
  return { paths: filename?.split(","), namespace, connection: readConnection(flags) };
}

/** Keeps the text as it was given: kiam and kube2iam differ about a missing slash. */
export const BASE_ARN: Parser<string> = {
  expects: 'a base ARN such as "arn:aws:iam::123456789012:role/"',
  parse: (text) => (parseBaseArn(text) === undefined ? undefined : text),
};
const OUTPUT = oneOf(["text", "json", "yaml", "values"]);
const WAVES = integer(1, 99);

export function readMigrate(flags: Flags, topic: "kiam" | "kube2iam"): Arguments<MigrateArguments> {
  const reader = createTopicReader(flags, topic);
  const output = reader.read("output", OUTPUT) ?? "text";
  const waves = reader.read("waves", WAVES);
  const roleBaseArn = reader.read("roleBaseArn", BASE_ARN);
  if (flags["waves"] !== undefined && output !== "text") {
    reader.refuse(`--output: "${output}" does not go with --waves, which prints a shell script`);
  }
  return reader.finish({
    input: readInputArguments(flags),
    kiamValuesFile: flags["kiamValues"],
    ...{ roleBaseArn, waves, output },
  });
}
