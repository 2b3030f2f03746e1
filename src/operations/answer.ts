// A diagnosis with its commands as an operator needs it: what the commands require, and how one sees that they helped.
// Both follow from the commands and from the object, so that no cause can forget them. Pure.
import { objectArgument, shellQuote } from "./migrate/shell-commands.ts";
import { type ConcernedObject, explainStep, isRolledOut, type StepFields, stepFields } from "./next-steps.ts";
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

/** Returns how one sees that an object has what it needs. */
export function proofOf(object: ConcernedObject): string {
  const { namespace, kind, name, file } = object;
  if (file !== undefined) return `podrole explain -f ${shellQuote(file)} ends with exit code 0`;
  if (kind === "pod") return `${explainStep(object)} shows no cause and ends with exit code 0`;
  const place = `-n ${shellQuote(namespace)}`;
  const status = `podrole status ${place} shows its pods as ready`;
  return isRolledOut(object)
    ? `kubectl ${place} rollout status ${objectArgument(kind, name)} ends, and ${status}`
    : status;
}

/** Returns what must be there before the commands are run; undefined if they only read. */
export function requirementsOf(steps: readonly string[]): string | undefined {
  const commands = steps.map((step) => partsOfStep(step).command);
  const rights = commands.flatMap((command) => rightOf(command) ?? []);
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
    const wanted = [...new Set(inPlace.map(({ verbs, resource }) => `${verbs.join(" and ")} ${resource}`))].join(", ");
    const [where, flag] = namespace === undefined ? ["", ""] : [` in namespace ${namespace}`, ` -n ${namespace}`];
    return `the right to ${wanted}${where} (kubectl auth can-i --list${flag} shows yours)`;
  });
}

/** What a command of kubectl changes; undefined for one that only reads, and for other commands. */
function rightOf(command: string): Right | undefined {
  const [, place, verb = "", rest = ""] = /(?:^|\| )kubectl (?:-n (\S+) )?([a-z]+) ?(.*)$/s.exec(command) ?? [];
  const verbs = CHANGING_VERBS[verb];
  if (verbs === undefined) return undefined;
  if (verb === "replace" || verb === "debug") return { verbs, resource: "pods", namespace: place };
  if (verb === "apply") {
    const changed = "podrole's webhook configuration";
    return { verbs, resource: "mutatingwebhookconfigurations", namespace: undefined, changed };
  }
  const words = (rest.match(SHELL_WORD) ?? []).filter((word) => !word.startsWith("-") && !SUBCOMMANDS.has(word));
  const [target = "", second = ""] = words;
  const [, kind = "", slash = ""] = /^'?([^/']*)(\/?)/.exec(target) ?? [];
  const resource = PLURALS[kind] ?? `${kind}s`;
  const namespace = kind === "namespace" ? undefined : place;
  const isChanged = kind !== "pod" && verb !== "delete" && !rest.startsWith("restart ");
  return { verbs, resource, namespace, ...(isChanged && { changed: slash === "" ? `${kind}/${second}` : target }) };
}

/** A word of a command, with its quotes if shellQuote() has put some around it. */
const SHELL_WORD = /'(?:[^']|'\\'')*'|\S+/g;

const CHANGING_VERBS: Readonly<Record<string, readonly string[]>> = {
  annotate: ["patch"],
  apply: ["create", "patch"],
  debug: ["create"],
  delete: ["delete"],
  edit: ["patch"],
  label: ["patch"],
  patch: ["patch"],
  replace: ["delete", "create"],
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
];

function awsText(commands: readonly string[]): readonly string[] {
  const actions = AWS_ACTIONS.filter(([pattern]) => commands.some((command) => pattern.test(command)));
  if (actions.length === 0) return [];
  const permitted = actions.map(([, action]) => action).join(" and ");
  return [
    `credentials of that account that permit ${permitted} (aws sts get-caller-identity shows whose yours are)`,
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
