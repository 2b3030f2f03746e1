// Generates the tables of docs/troubleshoot.md: codes with the first steps of their remedies and who can take them, and
// messages without a code: what a person sees, what it means and what to do.
import { SKIP_REASONS, type SkipReason } from "../src/injection/skip-reasons.ts";
import { ACTORS, type Actor } from "../src/protocol/error-row.ts";
import { ERRORS, type ErrorCode } from "../src/protocol/errors.ts";
import { markdownTable } from "./markdown-table.ts";

/** What a person sees, as it is written on their screen: Markdown. */
interface Symptom {
  readonly sees: string;
  readonly means: string;
  readonly remedy: string;
}

/** One of several causes of a code, told apart by what the message has. */
interface CauseOfCode {
  readonly sees: string;
  readonly actors: readonly Actor[];
  readonly remedy: string;
}

interface CodeOfPods {
  /** Messages and statuses for it, where a person sees these instead of the code. */
  readonly sees?: string;
  /** A page about it, besides docs/errors.md: Markdown. */
  readonly more?: string;
  /** In the order of the steps, if different people act on them. */
  readonly causes?: readonly CauseOfCode[];
}

/** Codes that explain why a pod has no credentials, the most frequent first. */
const CODES_OF_PODS: Readonly<Partial<Record<ErrorCode, CodeOfPods>>> = {
  STS_DENIED: {
    sees: "`AccessDenied`, `is not authorized to perform: sts:AssumeRole`, `sts:TagSession` or `sts:SetSourceIdentity`",
    more: "[AWS's message](aws.md#accessdenied), [the commands](explain.md#a-pod-that-waits)",
    causes: [
      {
        sees: "the role alone: no reason",
        actors: ["author", "account", "platform"],
        remedy: "Check that the role exists and is spelt as in IAM; then the two rows below.",
      },
      {
        sees: "`because no role trust policy allows`",
        actors: ["account"],
        remedy: "Add the principal that the Event names to the role's trust policy; the Event has the statement.",
      },
      {
        sees: "`because no identity-based policy allows`",
        actors: ["platform"],
        remedy: "Allow the action on the role in the own policy of podrole's server.",
      },
    ],
  },
  ROLE_FORBIDDEN: { more: "[the platform team's command](install.md#4-the-first-pod)" },
  ROLE_INVALID: {},
  ROLE_MISSING: {},
  ROLE_UNPINNED: {},
  PERMITTED_INVALID: {},
  SERVER_UNREACHABLE: {},
  SERVER_UNTRUSTED: {},
  STS_UNAVAILABLE: {},
  STS_THROTTLED: { sees: "`Throttling`, `Rate exceeded`", more: "[throttling](aws.md#throttling)" },
  STS_INVALID: {},
  PROOF_REJECTED: {},
  POD_NOT_INJECTED: {},
  PORT_TAKEN: {},
  TOKEN_MISSING: { sees: "401" },
  TOKEN_MISMATCH: { sees: "403" },
  HOST_FORBIDDEN: { sees: "403" },
  TOKEN_REPLACED: { sees: "503" },
  NOT_READY: { sees: "503" },
  CLOCK_SKEWED: { sees: "503" },
};

/** The groups are headings of the page. */
export const SYMPTOMS: Readonly<Record<string, readonly Symptom[]>> = {
  "the pod is not created": [
    {
      sees: '`admission webhook "pods.podrole.io" denied the request: CODE: …`',
      means: "podrole refuses the pod, for the reason with this code.",
      remedy:
        "Look up the code in [errors.md](errors.md); [an example](explain.md#a-manifest-that-would-be-refused): compare the ARN with the expression that it quotes.",
    },
    {
      sees: '`failed calling webhook "pods.podrole.io"` with `connection refused`, `context deadline exceeded` or `no endpoints available for service "podrole-webhook"`',
      means: "The API server cannot reach podrole's webhook.",
      remedy:
        "Run `podrole check`: [WEBHOOK_READY](checks-installation.md#webhook_ready) and [ADMISSION](checks-trust.md#admission) say why. If pods must start now: [outages.md](outages.md#if-the-webhook-cannot-start-again).",
    },
    {
      sees: '`failed calling webhook "pods.podrole.io"` with `x509: certificate signed by unknown authority`',
      means: "The webhook configuration has another CA than the webhook.",
      remedy: "See [CA_BUNDLE](checks-trust.md#ca_bundle).",
    },
  ],
  "the pod hangs in Init or restarts": [
    {
      sees: "`Init:0/N` in the first 30 s",
      means: "podrole-sidecar fetches its first credentials; the kubelet starts the next container when it has them.",
      remedy: "Wait. `kubectl -n $NS describe pod $POD` shows the Events.",
    },
    {
      sees: "`Init:0/N` for longer, in a pod with `restartPolicy: OnFailure`",
      means:
        "It waits for credentials without a restart, so that no restart counts against its Job; only a permanent refusal ends the sidecar.",
      remedy: "`kubectl -n $NS logs $POD -c podrole-sidecar` shows why.",
    },
    {
      sees: "`Init:0/N` for longer, in a pod with podrole-init (classic mode)",
      means: "podrole-init waits for the first credentials.",
      remedy: "`kubectl -n $NS logs $POD -c podrole-init` shows why.",
    },
    {
      sees: "`Init:1/N` or more",
      means: "An init container after the first one has not ended, or is not ready: podrole-sidecar or another one.",
      remedy: "`kubectl -n $NS describe pod $POD` names it; `kubectl -n $NS logs $POD -c NAME` shows its log.",
    },
    {
      sees: "`Init:ErrImagePull`, `Init:ImagePullBackOff`",
      means:
        "The node cannot pull the image of an init container. If it is podrole-sidecar's: its name or tag is wrong, or the pull secret is missing in this namespace.",
      remedy:
        "`kubectl -n $NS describe pod $POD` names the image and the error; [install.md](install.md#2-the-images) has the pull secret.",
    },
    {
      sees: "`Init:0/N` or `ContainerCreating`, and no container was started, with [pod certificates](pod-certificates.md)",
      means: "The kubelet has no certificate for the pod yet, or podrole denied it.",
      remedy:
        "`kubectl -n $NS describe pod $POD` shows the reason: [what is denied](pod-certificates.md#what-is-denied). After a denial delete the pod.",
    },
    {
      sees: "`Init:PostStartHookError`, `Init:CrashLoopBackOff`",
      means:
        "podrole-sidecar had no credentials after 30 s, or was refused for good, at once. The kubelet starts it again, with back-off.",
      remedy:
        "`podrole explain pod/$POD -n $NS` prints code, reason and remedy; `kubectl -n $NS describe pod $POD` has them in the Events, and in the Last State of podrole-sidecar.",
    },
  ],
  "the app gets no credentials": [
    {
      sees: "`Unable to locate credentials` (boto3, AWS CLI), `no EC2 IMDS role found` (Go v2), `NoCredentialProviders` (Go v1), `Unable to load credentials from any of the providers in the chain` (Java)",
      means:
        "The container has no podrole variables, or the SDK does not know the token file, or podrole refused: Go v1 and Java do not show the reason.",
      remedy:
        "Run `podrole explain pod/$POD -n $NS`, or look [with kubectl alone](#a-pod-without-credentials-with-kubectl-alone). (1) The pod is not injected: see [why](#the-pod-has-no-podrole-sidecar), label the namespace or remove the reason, and restart the pod. (2) The container has no role: name one. (3) `explain` or an Event names a code: follow its remedy. (4) Otherwise the SDK is older than [these versions](sdk.md): `kubectl -n $NS exec $POD -c CONTAINER -- aws --version` prints the AWS CLI's, `kubectl -n $NS exec $POD -c CONTAINER -- python3 -c 'import boto3; print(boto3.__version__)'` boto3's.",
    },
    {
      sees: "`Could not load credentials from any providers`, `Missing credentials in config` (JavaScript)",
      means: "The same: the JavaScript SDKs do not show the reason either.",
      remedy:
        "`podrole explain pod/$POD -n $NS` prints the reason, or look [with kubectl alone](#a-pod-without-credentials-with-kubectl-alone).",
    },
    {
      sees: "`ENOENT` or `No such file or directory` for `…/token`",
      means: "The container has podrole's variables, but not the mount with its token.",
      remedy:
        "Mount nothing over the path in `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE`, and copy these variables to no other container.",
    },
    {
      sees: "`connection refused` at 127.0.0.1:9763",
      means: "podrole-sidecar is restarting.",
      remedy: "SDKs retry. If it persists: `kubectl -n $NS logs $POD -c podrole-sidecar --previous`.",
    },
  ],
  "the app has the wrong role": [
    {
      sees: "`aws sts get-caller-identity` prints the role of the node, of IRSA or of a key",
      means: "The SDK found other credentials before podrole's, or the pod is not injected.",
      remedy:
        "`podrole explain` names the variable or the mount; [sdk.md](sdk.md#what-takes-precedence-over-podrole) lists what takes precedence.",
    },
    {
      sees: "it prints another role than the annotation names now",
      means: "The annotation was changed after the pod had been created, or another annotation takes precedence.",
      remedy:
        "`podrole explain` prints where the role is named, and begins with `differs:` what a new pod would get. Restart the pod.",
    },
  ],
  "AWS denies the app's call": [
    {
      sees: "`AccessDenied`, `UnauthorizedOperation` or `is not authorized to perform` another action than `sts:AssumeRole`",
      means: "The app has the role, and the role lacks the permission. podrole has done its part.",
      remedy:
        "Add the permission to the role in IAM. `podrole audit` shows the pod's AWS calls from CloudTrail: [audit.md](audit.md).",
    },
    {
      sees: "`ExpiredToken`",
      means: "The app uses credentials that it stored, after they have expired.",
      remedy: "Let the SDK fetch them: it refreshes them before they expire. [sdk.md](sdk.md#how-long-an-sdk-waits)",
    },
  ],
};

interface SkipRemedy {
  readonly actors: readonly Actor[];
  readonly remedy: string;
}

/** What to do if a pod with this reason was to be injected. */
const SKIP_REMEDIES: Readonly<Record<SkipReason, SkipRemedy>> = {
  NOT_A_CREATION: { actors: ["author"], remedy: "Create the pod again." },
  SYSTEM_NAMESPACE: { actors: ["author"], remedy: "Run the pod in a namespace of its own." },
  NAMESPACE_NOT_LABELLED: {
    actors: ["platform", "author"],
    remedy:
      "`kubectl label namespace $NS podrole.io/inject=enabled`, and permit the role in it ([the command](install.md#4-the-first-pod)); then restart the pod.",
  },
  INJECTION_DISABLED: {
    actors: ["author"],
    remedy: "Remove the annotation from the pod's template; then restart the pod.",
  },
  MIRROR_POD: { actors: ["platform"], remedy: "Run the pod by a DaemonSet or a Deployment." },
  NO_CONTAINER: {
    actors: ["author"],
    remedy:
      "Name the containers in `podrole.io/containers` in the pod template, or remove the annotation; then restart.",
  },
  WINDOWS: { actors: ["author"], remedy: "Use another source of credentials: [compare.md](compare.md)." },
  HOST_NETWORK: {
    actors: ["author"],
    remedy: "Remove `hostNetwork`, or use another source of credentials: [compare.md](compare.md).",
  },
  NO_ROLE: {
    actors: ["author"],
    remedy:
      "Add the annotation `iam.amazonaws.com/role` in the pod template (of a Deployment: `spec.template.metadata.annotations`); then [restart](#restart-the-pods).",
  },
};

/** Returns the table of one group. */
export function symptomTable(group: string): string {
  const rows = (SYMPTOMS[group] ?? []).map(({ sees, means, remedy }) => [sees, means, remedy]);
  return markdownTable(["what you see", "what it means", "what to do"], rows);
}

/** Returns the table of codes: the reasons for which a pod was not injected, then the errors. */
export function codeTable(): string {
  const skipped = (["NAMESPACE_NOT_LABELLED", "NO_ROLE"] as const).map((reason) => [
    `\`${reason}\``,
    actorsInWords(SKIP_REMEDIES[reason].actors),
    SKIP_REMEDIES[reason].remedy,
    "[all reasons](#why-a-pod-was-not-injected)",
  ]);
  const errors = Object.entries(CODES_OF_PODS).flatMap(([code, { sees, more, causes }]) => {
    const { actors, remedy } = ERRORS[code as ErrorCode];
    const name = sees === undefined ? `\`${code}\`` : `\`${code}\`, or ${sees}`;
    const pages = [`[all steps](errors.md#${code.toLowerCase()})`, more].filter(Boolean).join(", ");
    if (causes === undefined) return [[name, actorsInWords(actors), firstSteps(remedy), pages]];
    return causes.map((cause, index) => [
      index === 0 ? `${name}; with ${cause.sees}` : `\`${code}\` with ${cause.sees}`,
      actorsInWords(cause.actors),
      cause.remedy,
      index === 0 ? pages : "as above",
    ]);
  });
  return markdownTable(["code", "who acts, in this order", "what to do first", "more"], [...skipped, ...errors]);
}

/** Returns the table of reasons for which a pod was not injected. */
export function skipTable(): string {
  const rows = Object.entries(SKIP_REASONS).map(([id, sentence]) => {
    const { actors, remedy } = SKIP_REMEDIES[id as SkipReason];
    return [`\`${id}\``, sentence, actorsInWords(actors), remedy];
  });
  return markdownTable(["reason", "meaning", "who acts, in this order", "what to do, if it should be injected"], rows);
}

/** Returns the actors as docs/troubleshoot.md calls them: it speaks to the workload's author. */
function actorsInWords(actors: readonly Actor[]): string {
  return actors.map((actor) => (actor === "author" ? "you" : ACTORS[actor])).join(", ");
}

const MIN_STEPS_LENGTH = 60;

/** Returns the first sentence of a remedy, and those after it while they are short. */
function firstSteps(remedy: string): string {
  const sentences = remedy.split(/(?<=\.) (?=[A-Z])/);
  const enough = sentences.findIndex((_, index) => sentences.slice(0, index + 1).join(" ").length >= MIN_STEPS_LENGTH);
  return sentences.slice(0, enough < 0 ? sentences.length : enough + 1).join(" ");
}
