// Arguments of podrole inject and podrole uninject. Both take the webhook's settings, from flags or the environment.
import { type Command, Option } from "commander";
import { shellQuote } from "../../operations/migrate/shell-commands.ts";
import { BUNDLE_KEY } from "../../pki/bundle.ts";
import { success } from "../../runtime/result.ts";
import { flagName, readSettings, type SettingTable } from "../../runtime/settings.ts";
import { WEBHOOK_SETTINGS, type WebhookSettings } from "../../settings/webhook.ts";
import type { Flags, Terminal } from "../terminal.ts";
import {
  type Arguments,
  CLUSTER_HEADING,
  declareInstallation,
  type InstallationArguments,
  readInstallation,
} from "./flags.ts";
import { addHelp, inputExitCodes } from "./help.ts";
import { declareSettingFlags, SETTINGS_NOTE } from "./settings.ts";

/** Typed options of podrole uninject. */
export interface UninjectArguments {
  /** "-" for standard input. */
  readonly filename: string;
  readonly settings: WebhookSettings;
}

/** Where the webhook's settings and the CAs come from: from the command line, or from an installation. */
export type InjectSource =
  | {
      readonly from: "flags";
      readonly settings: WebhookSettings;
      /** File with the trust bundle. */
      readonly trustBundle: string;
    }
  | ({ readonly from: "cluster" } & InstallationArguments);

/** Typed options of podrole inject. */
export interface InjectArguments {
  /** "-" for standard input. */
  readonly filename: string;
  readonly source: InjectSource;
  readonly permitted: string | undefined;
  /** True if a role annotation without a known pod template is a failure. */
  readonly strict: boolean;
}

/** Headings of the webhook's settings that decide what is injected; others are about how the webhook serves. */
const INJECTION_HEADINGS: ReadonlySet<string | undefined> = new Set([
  "Server:",
  "Sidecar:",
  "Roles and policy:",
  "Sessions:",
]);

/** The webhook's settings that podrole inject has as flags. */
export const INJECT_SETTINGS: SettingTable = {
  ...Object.fromEntries(
    Object.entries<SettingTable[string]>(WEBHOOK_SETTINGS).filter(([, { group }]) => INJECTION_HEADINGS.has(group)),
  ),
  audience: WEBHOOK_SETTINGS.audience,
};

/** Those that tell uninjection what injection added. */
const UNINJECT_SETTINGS: SettingTable = {
  region: WEBHOOK_SETTINGS.region,
  sidecarPullSecrets: WEBHOOK_SETTINGS.sidecarPullSecrets,
};

const GET_BUNDLE = `kubectl -n podrole get configmap podrole-trust -o 'jsonpath={.data.${BUNDLE_KEY.replace(".", String.raw`\.`)}}' > bundle.pem`;
const MAKE_CA = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
const MAKE_CA_FILE = "-subj /CN=example -keyout /dev/null -out bundle.pem";

/** How to get a trust bundle for a command line without a usable one: a line each, with the command. */
export function bundleHints(filename = "FILE"): readonly string[] {
  return [
    `podrole's installation has the bundle: ${GET_BUNDLE}`,
    `without an installation, any CA certificate shows what is injected: ${MAKE_CA} ${MAKE_CA_FILE}`,
    `then: podrole inject -f ${shellQuote(filename)} --trust-bundle bundle.pem`,
    `or, with the installation's bundle and settings: podrole inject -f ${shellQuote(filename)} --from-cluster`,
  ];
}

/** Declares the flags of podrole inject. */
export function declareInject(command: Command): void {
  declareFilename(command)
    .option(
      "--trust-bundle <file>",
      "File with ConfigMap podrole-trust (YAML or JSON), or with its key bundle.pem alone: the CA certificates that injected pods trust (default: with --from-cluster those of the installation, else required)",
    )
    .option(
      "--permitted <expression>",
      "Use this value as iam.amazonaws.com/permitted of every namespace, in place of the annotation in the manifests (default: the manifests' annotation)",
    )
    .option(
      "--strict",
      "Exit with code 1 if a role annotation is in no pod template that podrole knows (default: a warning)",
    );
  command.addOption(
    new Option(
      "--from-cluster",
      "Take the trust bundle and the webhook's settings from podrole's installation, in place of --trust-bundle and of all flags and variables of settings; the other flags of this group require this flag",
    ).helpGroup(CLUSTER_HEADING),
  );
  declareInstallation(command);
  declareSettingFlags(command, INJECT_SETTINGS);
  addHelp(command, {
    notes: [SETTINGS_NOTE],
    examples: [
      [
        "As podrole's installation in the cluster would inject",
        "podrole inject -f shop.yaml --from-cluster > injected.yaml",
      ],
      [
        "Get the trust bundle from podrole's installation",
        "kubectl -n podrole get configmap podrole-trust \\\n  -o 'jsonpath={.data.bundle\\.pem}' > bundle.pem",
      ],
      ["Without an installation, any CA certificate shows what is injected", `${MAKE_CA} \\\n  ${MAKE_CA_FILE}`],
      [
        "Inject a file with role names that are not full ARNs",
        `podrole inject -f shop.yaml --trust-bundle bundle.pem \\\n  --role-base-arn arn:aws:iam::123456789012:role/`,
      ],
      [
        "Inject the manifests of a pipeline",
        "helm template shop | podrole inject -f - --trust-bundle bundle.pem |\n  kubectl apply -f -",
      ],
    ],
    exitCodes: inputExitCodes(
      "done",
      "at least one pod is refused, and stays unchanged; or, with --strict, a role annotation is in no pod template that podrole knows",
    ),
    docs: "docs/inject.md describes injection without the webhook",
  });
}

/** Declares the flags of podrole uninject. */
export function declareUninject(command: Command): void {
  declareFilename(command);
  declareSettingFlags(command, UNINJECT_SETTINGS);
  addHelp(command, {
    notes: [
      SETTINGS_NOTE,
      "Use the same values as for `podrole inject`, so that the command distinguishes an AWS_REGION and pull secrets that were injected from those that the pod's author set.",
    ],
    examples: [["Remove podrole from exported manifests", "podrole uninject -f shop.yaml > plain.yaml"]],
    exitCodes: inputExitCodes("done"),
    docs: "docs/inject.md describes injection without the webhook",
  });
}

function declareFilename(command: Command): Command {
  return command.option("-f, --filename <file>", 'Manifest file; "-" is standard input (required)');
}

const FILENAME_PROBLEM = '--filename (-f) is required: a manifest file, or "-" for standard input';
const BUNDLE_PROBLEM = "--trust-bundle is required: a file with the CA certificates (PEM) that injected pods trust";

/** The flags and the webhook's settings, or every problem. */
export function readUninject(flags: Flags, env: Terminal["env"]): Arguments<UninjectArguments> {
  const { filename } = flags;
  const read = readSettings(WEBHOOK_SETTINGS, flags, env);
  const problems = [...(filename === undefined ? [FILENAME_PROBLEM] : []), ...(read.ok ? [] : read.problems)];
  return read.ok && filename !== undefined ? success({ filename, settings: read.value }) : { ok: false, problems };
}

/** The options of podrole inject, or every problem. */
export function readInject(flags: Flags, env: Terminal["env"]): Arguments<InjectArguments> {
  const { trustBundle, permitted, strict: isStrict, fromCluster } = flags;
  const strict = isStrict === "true";
  if (fromCluster === "true") return readInjectFromCluster(flags, { permitted, strict });
  const read = readUninject(flags, env);
  const problems = CLUSTER_FLAGS.filter((key) => flags[key] !== undefined).map(
    (key) => `--${flagName(key)} requires --from-cluster`,
  );
  if (!read.ok || trustBundle === undefined || problems.length > 0) {
    const missing = trustBundle === undefined ? [BUNDLE_PROBLEM, ...bundleHints(flags["filename"])] : [];
    return { ok: false, problems: [...problems, ...(read.ok ? [] : read.problems), ...missing] };
  }
  const { filename, settings } = read.value;
  return success({ filename, source: { from: "flags", settings, trustBundle }, permitted, strict });
}

const CLUSTER_FLAGS = ["podroleNamespace", "kubeconfig", "context"] as const;

/** Settings of the installation and others together would be those of neither. */
function readInjectFromCluster(
  flags: Flags,
  options: Pick<InjectArguments, "permitted" | "strict">,
): Arguments<InjectArguments> {
  const { filename } = flags;
  const given = ["trustBundle", ...Object.keys(INJECT_SETTINGS)].filter((key) => flags[key] !== undefined);
  const problems = given.map((key) => `--${flagName(key)} and --from-cluster exclude each other`);
  if (filename === undefined) return { ok: false, problems: [FILENAME_PROBLEM, ...problems] };
  if (problems.length > 0) return { ok: false, problems };
  return success({ filename, source: { from: "cluster", ...readInstallation(flags) }, ...options });
}
