// A diagnosis with its commands as an operator needs it: what the commands require, and how one sees that they helped.
// Both follow from the commands and from the object, so that no cause can forget them. Pure.
import { type ConcernedObject, proofOf, type StepFields, stepFields } from "./next-steps.ts";
import type { AnsweredDiagnosis, Diagnosis } from "./sidecar-diagnosis.ts";
import { partsOfStep } from "./step-parts.ts";

/** Returns the answer with what its commands require, and how one sees that `object` is well, unless it says so. */
export function completeAnswer<Answer extends AnsweredDiagnosis>(
  answer: Answer,
  object: ConcernedObject,
): Answer & AnsweredDiagnosis {
  const { steps } = answer;
  if (steps.length === 0) return answer;
  const requires = requirementsOf(steps);
  return { ...(requires !== undefined && { requires }), verify: proofOf(object), ...answer };
}

/** Returns the complete answer as fields of a result. */
export function answerFields(answer: AnsweredDiagnosis, object: ConcernedObject): Diagnosis & StepFields {
  const { steps, ...diagnosis } = completeAnswer(answer, object);
  return { ...diagnosis, ...stepFields(steps) };
}

/** Returns what must be there before the commands are run; undefined if they only read. */
export function requirementsOf(steps: readonly string[]): string | undefined {
  const commands = steps.map((step) => partsOfStep(step).command);
  const rights = commands.flatMap(rightsNeededFor);
  const parts = [...rightsText(rights), ...awsText(commands), ...otherNeeds(commands), ...sourceText(rights)];
  return parts.length === 0 ? undefined : parts.join("; ");
}

interface Right {
  readonly verbs: readonly string[];
  readonly resource: string;
  /** Undefined for an object of the cluster. */
  readonly namespace: string | undefined;
  /** What is changed, as "deployment/orders"; undefined for pods, which no source applies. */
  readonly changed?: string;
}

function rightsText(rights: readonly Right[]): readonly string[] {
  const places = Map.groupBy(rights, ({ namespace }) => namespace);
  return [...places].map(([namespace, inPlace]) => {
    const wanted = Array.from(
      Map.groupBy(inPlace, ({ resource }) => resource),
      ([resource, some]) => `${listText([...new Set(some.flatMap(({ verbs }) => verbs))])} ${resource}`,
    ).join(", ");
    const [where, flag] = namespace === undefined ? ["", ""] : [` in namespace ${namespace}`, ` -n ${namespace}`];
    return `the right to ${wanted}${where} (kubectl auth can-i --list${flag} shows yours)`;
  });
}

/** "get, create and delete" */
function listText(words: readonly string[]): string {
  return [words.slice(0, -1).join(", "), ...words.slice(-1)].filter((part) => part !== "").join(" and ");
}

/** What a command of kubectl changes; empty for one that only reads, and for other commands. */
function rightsNeededFor(command: string): readonly Right[] {
  return command.split(" | ").flatMap((part) => {
    const [, place, verb = "", rest = ""] = /^kubectl (?:-n (\S+) )?([a-z-]+) ?(.*)$/s.exec(part) ?? [];
    // It changes a text, and no object.
    if (rest.startsWith("--local ")) return [];
    const ofPods = POD_RIGHTS[verb]?.map(({ verbs, resource }) => ({ verbs, resource, namespace: place }));
    return ofPods ?? rightOf({ place, verb, rest });
  });
}

function rightOf({
  place,
  verb,
  rest,
}: {
  readonly place: string | undefined;
  readonly verb: string;
  readonly rest: string;
}): readonly Right[] {
  const verbs = CHANGING_VERBS[verb];
  if (verbs === undefined) return [];
  if (verb === "apply") {
    const changed = "podrole's webhook configuration";
    return [{ verbs, resource: "mutatingwebhookconfigurations", namespace: undefined, changed }];
  }
  const words = (rest.match(SHELL_WORD) ?? []).filter((word) => !word.startsWith("-") && !SUBCOMMANDS.has(word));
  const [target = "", second = ""] = words;
  const [, kind = "", slash = ""] = /^'?([^/']*)(\/?)/.exec(target) ?? [];
  const resource = PLURALS[kind] ?? `${kind}s`;
  const namespace = kind === "namespace" ? undefined : place;
  const isChanged = kind !== "pod" && verb !== "delete" && !rest.startsWith("restart ");
  return [{ verbs, resource, namespace, ...(isChanged && { changed: slash === "" ? `${kind}/${second}` : target }) }];
}

/** Verbs of kubectl that concern pods alone. */
const POD_RIGHTS: Readonly<Record<string, readonly Pick<Right, "verbs" | "resource">[]>> = {
  debug: [
    { verbs: ["get", "create"], resource: "pods" },
    { verbs: ["create"], resource: "pods/attach" },
  ],
  "port-forward": [
    { verbs: ["get"], resource: "services" },
    { verbs: ["get", "list"], resource: "pods" },
    { verbs: ["create"], resource: "pods/portforward" },
  ],
  replace: [{ verbs: ["delete", "create"], resource: "pods" }],
  run: [
    { verbs: ["get", "create", "delete"], resource: "pods" },
    { verbs: ["create"], resource: "pods/attach" },
  ],
};

/** A word of a command, with its quotes if shellQuote() has put some around it. */
const SHELL_WORD = /'(?:[^']|'\\'')*'|\S+/g;

const CHANGING_VERBS: Readonly<Record<string, readonly string[]>> = {
  annotate: ["patch"],
  apply: ["create", "patch"],
  delete: ["delete"],
  edit: ["patch"],
  label: ["patch"],
  patch: ["patch"],
  rollout: ["patch"],
  scale: ["patch"],
  set: ["patch"],
};
const SUBCOMMANDS: ReadonlySet<string> = new Set(["restart", "undo", "image"]);
const PLURALS: Readonly<Record<string, string>> = { quota: "resourcequotas" };

const AWS_ACTIONS: readonly (readonly [pattern: RegExp, action: string])[] = [
  [/^aws iam get-role /, "iam:GetRole"],
  [/^aws iam update-assume-role-policy /, "iam:UpdateAssumeRolePolicy"],
  [/^aws iam put-role-policy /, "iam:PutRolePolicy"],
  [/^aws iam put-user-policy /, "iam:PutUserPolicy"],
  [/^aws iam simulate-principal-policy /, "iam:SimulatePrincipalPolicy"],
];

function awsText(commands: readonly string[]): readonly string[] {
  const actions = AWS_ACTIONS.filter(([pattern]) => commands.some((command) => pattern.test(command)));
  if (actions.length === 0) return [];
  const permitted = actions.map(([, action]) => action);
  if (commands.some((command) => command.startsWith("export AWS_ENDPOINT_URL="))) {
    // (https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html)
    return [
      "the program aws, 2.13 or later, or 1.29 or later of version 1, because an earlier one ignores AWS_ENDPOINT_URL and calls AWS",
      `any credentials that the emulator accepts for ${listText(permitted)}`,
    ];
  }
  return [
    `credentials of that account that permit ${listText(permitted)} (aws sts get-caller-identity shows whose yours are)`,
    "if Terraform or another tool manages the role, change it there instead",
  ];
}

function otherNeeds(commands: readonly string[]): readonly string[] {
  const isIn = (pattern: RegExp) => commands.some((command) => pattern.test(command));
  return [
    ...(isIn(/(?:^|\| )jq /) ? ["the program jq"] : []),
    ...(isIn(/ --keep-annotations /)
      ? ["a kubectl whose debug command has --keep-annotations (kubectl debug --help)"]
      : []),
    ...(isIn(/ rollout restart /) ? ["room in the namespace's quotas for one more pod during the rollout"] : []),
  ];
}

function sourceText(rights: readonly Right[]): readonly string[] {
  const changed = [...new Set(rights.flatMap((right) => right.changed ?? []))];
  if (changed.length === 0) return [];
  return [
    `if Git, Helm or an operator is the source of ${changed.join(" or ")}, change it there instead: the source undoes a change in the cluster`,
  ];
}
