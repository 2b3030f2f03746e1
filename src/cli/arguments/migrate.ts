// Arguments of podrole migrate: flags of all its topics, and those of kiam and kube2iam as typed options.
import { Argument, type Command, Option } from "commander";
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
  kiam, kube2iam      report what changes for each pod if the cluster migrates
                      from this system to podrole
  irsa, pod-identity  plan the migration from podrole to this system: trust
                      policies, commands, and pods that cannot migrate

Reads the settings of podrole server and podrole webhook from the environment
(PODROLE_…). Changes nothing in the cluster.

Exit codes: 0 no pod needs work (always with -o values), 1 at least one pod
needs work, 2 invalid command line, or the input cannot be read.`;

const INPUT = "Input:";
const OLD = "Topics kiam and kube2iam:";
const AWS = "Topics irsa and pod-identity:";

export function declareMigrate(command: Command): void {
  command.addArgument(
    new Argument("<topic>", "system to migrate from (kiam, kube2iam) or to (irsa, pod-identity)").choices(TOPICS),
  );
  const declare = (heading: string, flags: string, help: string) =>
    command.addOption(new Option(flags, help).helpGroup(heading));
  declare(
    INPUT,
    "-f, --filename <file>",
    'manifests, exports (kubectl get -o yaml|json) or folders, separated by commas; "-" is standard input (default: the cluster)',
  );
  declare(INPUT, "-n, --namespace <namespace>", "only pods of this namespace (default: all namespaces)");
  declare(
    INPUT,
    "--role-base-arn <arn>",
    "base ARN to put in front of role names that are not full ARNs (default: the value in the input)",
  );
  declare(
    OLD,
    "--kiam-values <file>",
    "kiam: values file of kiam's Helm chart (default: the settings in the input's command lines)",
  );
  declare(
    OLD,
    "--waves <count>",
    "print the commands that migrate the namespaces in this number of waves, from 1 to 99",
  );
  declare(AWS, "--oidc-provider <issuer>", "irsa: OIDC issuer of the cluster (required)");
  declare(AWS, "--cluster-name <name>", "pod-identity: name of the EKS cluster (required)");
  declare(AWS, "--account <id>", "AWS account of the cluster (required for pod-identity)");
  declare(AWS, "--region <region>", "pod-identity: AWS region of the cluster (default: the region of the AWS CLI)");
  command
    .option(
      "-o, --output <format>",
      "text, json, yaml, or values: a values file for podrole's chart, with kiam and kube2iam only (default: text)",
    )
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
    reader.refuse(`--output: "${output}" cannot be combined with --waves, which prints a shell script`);
  }
  return reader.finish({
    input: readInputArguments(flags),
    kiamValuesFile: flags["kiamValues"],
    ...{ roleBaseArn, waves, output },
  });
}
