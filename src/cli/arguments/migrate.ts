// Arguments of podrole migrate: flags of all its topics, and those of kiam and kube2iam as typed options.
import type { Command } from "commander";
import { parseBaseArn } from "../../policy/role.ts";
import { baseArnParser } from "../../policy/settings-table.ts";
import { oneOf, type Parser, wholeNumber } from "../../runtime/settings.ts";
import type { Flags } from "../terminal.ts";
import {
  type Arguments,
  type Connection,
  createFlagReader,
  declareConnection,
  filesOf,
  filesOption,
  namespaceOption,
  readConnection,
} from "./flags.ts";
import { addHelp, type HelpParts, inputExitCodes } from "./help.ts";

/** The systems that podrole migrates from and to. */
export const MIGRATE_TOPICS = ["kiam", "kube2iam", "irsa", "pod-identity"] as const;
/** One of these systems; the name of a subcommand. */
export type Topic = (typeof MIGRATE_TOPICS)[number];

/** Where the Kubernetes objects come from. */
export interface InputArguments {
  /** Files, folders or "-"; undefined for the cluster. */
  readonly paths: readonly string[] | undefined;
  readonly namespace: string | undefined;
  readonly connection: Connection;
}

/** Typed options of podrole migrate kiam and podrole migrate kube2iam. */
export interface MigrateArguments {
  readonly input: InputArguments;
  readonly kiamValuesFile: string | undefined;
  readonly predecessorNamespace: string | undefined;
  readonly roleBaseArn: string | undefined;
  readonly waves: number | undefined;
  readonly output: "text" | "json" | "yaml" | "values";
}

const ARRIVAL_HELP = {
  docs: "docs/migrate.md describes the migration step by step, docs/migrate-report.md each finding",
  exitCodes: inputExitCodes(
    "no pod needs work and none is refused; always with -o values",
    "at least one pod needs work or is refused (never with -o values)",
  ),
};
const DEPARTURE_HELP = {
  docs: "docs/leave.md describes the steps",
  exitCodes: inputExitCodes("every pod can migrate", "at least one pod cannot migrate"),
};
const TOPIC_HELP: Readonly<Record<Topic, Pick<HelpParts, "docs" | "exitCodes">>> = {
  kiam: ARRIVAL_HELP,
  kube2iam: ARRIVAL_HELP,
  irsa: DEPARTURE_HELP,
  "pod-identity": DEPARTURE_HELP,
};

/** Adds the systems to `migrate` as subcommands and returns them; the caller sets their actions. */
export function declareMigrate(migrate: Command): readonly Command[] {
  migrate.description("Report what changes for each pod in a migration to or from podrole");
  addHelp(migrate, {
    notes: ["Changes nothing in the cluster, and runs none of the commands that it prints."],
    examples: [
      ["From kiam: what would change for each pod of this cluster?", "podrole migrate kiam"],
      ["The commands that migrate the namespaces, in four waves", "podrole migrate kube2iam --waves 4"],
      [
        "From podrole to IRSA",
        "podrole migrate irsa \\\n  --oidc-provider oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF",
      ],
    ],
    docs: ARRIVAL_HELP.docs,
    exitCodes: inputExitCodes(
      "no pod needs work, or every pod can migrate away from podrole",
      "at least one pod needs work, is refused or cannot migrate; the help of each system says more",
    ),
  });
  const topics = MIGRATE_TOPICS.map((topic) => {
    const command = migrate.command(topic).description(TOPIC_DESCRIPTIONS[topic]);
    command.helpGroup(topic === "kiam" || topic === "kube2iam" ? "From another system:" : "To another system:");
    declareTopic[topic](command);
    declareConnection(command);
    addHelp(command, { notes: [MIGRATE_SETTINGS_NOTE], examples: MIGRATE_EXAMPLES[topic], ...TOPIC_HELP[topic] });
    return command;
  });
  return topics;
}

const MIGRATE_SETTINGS_NOTE =
  "Reads the settings of `podrole server` and `podrole webhook` from the environment (PODROLE_…). They take precedence over those that the input has.";

const TOPIC_DESCRIPTIONS: Readonly<Record<Topic, string>> = {
  kiam: "Report what changes for each pod if the cluster migrates from kiam to podrole",
  kube2iam: "Report what changes for each pod if the cluster migrates from kube2iam to podrole",
  irsa: "Plan the migration from podrole to IRSA: trust policies, commands, and pods that cannot migrate",
  "pod-identity":
    "Plan the migration from podrole to EKS Pod Identity: trust policies, commands, and pods that cannot migrate",
};

const MIGRATE_EXAMPLES: Readonly<Record<Topic, HelpParts["examples"]>> = {
  kiam: [
    ["This cluster, with the permissions of your kubeconfig", "podrole migrate kiam"],
    ["An export, without access to a cluster", "podrole migrate kiam -f export.yaml -o json"],
    ["Values for podrole's chart", "podrole migrate kiam --kiam-values values.yaml -o values"],
  ],
  kube2iam: [
    ["One namespace", "podrole migrate kube2iam -n shop"],
    ["The commands that migrate the namespaces, in four waves", "podrole migrate kube2iam --waves 4"],
  ],
  irsa: [
    [
      "The issuer of the cluster, from the AWS CLI",
      'podrole migrate irsa --oidc-provider "$(aws eks describe-cluster \\\n  --name prod --query cluster.identity.oidc.issuer --output text)"',
    ],
  ],
  "pod-identity": [["An EKS cluster", "podrole migrate pod-identity --cluster-name prod --account 123456789012"]],
};

const declareTopic: Readonly<Record<Topic, (command: Command) => void>> = {
  kiam(command) {
    declareInput(command);
    declarePredecessor(command, "kiam");
    declareWaves(command);
    command.option(
      "--kiam-values <file>",
      "Values file of kiam's Helm chart (default: the flags of kiam's containers in the input)",
    );
    declareOutput(command, MIGRATE_FORMATS);
  },
  kube2iam(command) {
    declareInput(command);
    declarePredecessor(command, "kube2iam");
    declareWaves(command);
    declareOutput(command, MIGRATE_FORMATS);
  },
  irsa(command) {
    command.option("--oidc-provider <issuer>", "OIDC issuer of the cluster (required)");
    command.option("--account <id>", "AWS account of the cluster (default: none)");
    declareInput(command);
    declareOutput(command, DEPARTURE_FORMATS);
  },
  "pod-identity"(command) {
    command.option("--cluster-name <name>", "Name of the EKS cluster (required)");
    command.option("--account <id>", "AWS account of the cluster (required)");
    command.option("--region <region>", "AWS region of the cluster (default: the region of the AWS CLI)");
    declareInput(command);
    declareOutput(command, DEPARTURE_FORMATS);
  },
};

function declareInput(command: Command): void {
  command
    .addOption(
      filesOption(
        'Manifests, exports (kubectl get -o yaml|json) or folders, also separated by commas; "-" is standard input (default: the cluster)',
      ),
    )
    .addOption(namespaceOption())
    .option(
      "--role-base-arn <arn>",
      "Base ARN to put in front of role names that are not full ARNs (default: the value in the input)",
    );
}

function declarePredecessor(command: Command, name: "kiam" | "kube2iam"): void {
  command.option(
    "--predecessor-namespace <name>",
    `Namespace of ${name}, if workloads elsewhere look like it (default: the only one that runs ${name})`,
  );
}

function declareWaves(command: Command): void {
  command.option(
    "--waves <count>",
    "Print the commands that migrate the namespaces in this number of waves, from 1 to 99 (default: print the report)",
  );
}

function declareOutput(command: Command, formats: readonly string[]): void {
  const values = formats.includes("values") ? "; values is a values file for podrole's chart" : "";
  command.option(`-o, --output <${formats.join("|")}>`, `Output format${values} (default: text)`);
}

/** The input that the flags name. */
export function readInputArguments(flags: Flags): InputArguments {
  const { filename, namespace } = flags;
  const paths = filename === undefined ? undefined : filesOf(filename).flatMap((text) => text.split(","));
  return { paths, namespace, connection: readConnection(flags) };
}

/** Keeps the text as it was given: kiam and kube2iam differ about a missing slash. */
export const WRITTEN_BASE_ARN: Parser<string> = {
  ...baseArnParser,
  parse: (text) => (parseBaseArn(text) === undefined ? undefined : text),
};
const MIGRATE_FORMATS = ["text", "json", "yaml", "values"] as const;
/** Formats of podrole migrate irsa and podrole migrate pod-identity. */
export const DEPARTURE_FORMATS = ["text", "json", "yaml"] as const;
const wavesParser = wholeNumber(1, 99);

/** The flags of podrole migrate kiam and podrole migrate kube2iam as typed options, or every problem. */
export function readMigrate(flags: Flags): Arguments<MigrateArguments> {
  const reader = createFlagReader(flags);
  const output = reader.read("output", oneOf(MIGRATE_FORMATS)) ?? "text";
  const waves = reader.read("waves", wavesParser);
  const roleBaseArn = reader.read("roleBaseArn", WRITTEN_BASE_ARN);
  if (flags["waves"] !== undefined && output !== "text") {
    reader.refuse(`--output: "${output}" cannot be combined with --waves, which prints a shell script`);
  }
  return reader.finish({
    input: readInputArguments(flags),
    kiamValuesFile: flags["kiamValues"],
    predecessorNamespace: flags["predecessorNamespace"],
    ...{ roleBaseArn, waves, output },
  });
}
