// What a situation of situations.ts consists of, and the texts that several of them have in common.
import type { SituationAnswer } from "./situation-answers.ts";
import type { SituationCluster } from "./situation-cluster.ts";

/** One situation. */
export interface Situation {
  readonly name: string;
  readonly object: string;
  /** Changes a healthy installation. */
  readonly prepare: (cluster: SituationCluster) => void;
  readonly answer: SituationAnswer;
  /** What a command must say besides. */
  readonly says?: {
    readonly [Command in "explain" | "check" | "status" | "wide" | "refusals" | "trust"]?: readonly RegExp[];
  };
}

export const RECREATE = (name: string, purpose = "") => [
  {
    command: new RegExp(`^kubectl -n shop get pod/${name} -o yaml > shop\\.${name}\\.yaml$`),
    purpose: /saves the pod as it is$/,
  },
  {
    command: new RegExp(`^kubectl -n shop replace --force -f shop\\.${name}\\.yaml$`),
    purpose: new RegExp(
      `^${purpose}deletes the pod, which interrupts it, .* spec\\.nodeName keeps it on its node: if the API server refuses the new one, `,
    ),
  },
];
/** Tries the role before the pod is deleted. */
export const TRIAL = (name: string, purpose = "before the pod is deleted, ") => ({
  command: new RegExp(
    `^kubectl -n shop run ${name}-trial --image=\\S+ --annotations=iam\\.amazonaws\\.com/role=\\S+ .* -- true$`,
  ),
  purpose: new RegExp(`^${purpose}tries whether STS gives the role`),
});
/** Creates it again with another value of an annotation. */
export const WAY_BACK = (name: string, annotation: string, purpose: RegExp) => ({
  command: new RegExp(
    `^kubectl annotate --local -f shop\\.${name}\\.yaml ${annotation} --overwrite -o yaml \\| kubectl -n shop replace --force -f -$`,
  ),
  purpose,
});
/** The same for a pod that was not injected, with the way back. */
export const RECREATE_INJECTED = (name: string) => [
  TRIAL(name),
  ...RECREATE(name),
  WAY_BACK(
    name,
    "podrole\\.io/inject=disabled",
    /^only if the new pod does not start, the way back: .*, without podrole /,
  ),
];
export const RECREATING =
  /^the right to .*delete and create pods in namespace shop \(kubectl auth can-i --list -n shop /;
export const RECREATING_INJECTED =
  /^the right to .*get, create and delete pods, create pods\/attach in namespace shop \(kubectl auth can-i --list -n shop /;
export const explainsCauseOf = (name: string) =>
  new RegExp(`^podrole explain pod/${name} -n shop shows no cause and ends with exit code 0$`);
export const ROLLED_OUT =
  /^kubectl -n shop rollout status deployment\/orders ends with successfully rolled out, and podrole status -n shop shows its pods as ready, and no workload that cannot create its pods$/;
export const REGISTER = [
  {
    command: /^podrole check --print-webhook \| kubectl apply -f -$/,
    purpose: /^registers the webhook of podrole \S+, .*: caBundle is empty in it, and podrole-server fills it within a/,
  },
  {
    command: /^podrole check --quiet$/,
    purpose: /^go on when it shows none of .* and ADMISSION, which tests whether the API server calls the webhook: /,
  },
];
export const CREATE_AGAIN = /^Create the pod again: podrole injects pods only when they are created\.$/;
export const NEW_POD = /^needs a new pod$/;
export const RESTARTED_SIDECAR = /^by itself: the kubelet starts podrole-sidecar again, after waits of at most 5 min$/;
export const TRIED_AGAIN = /^by itself: the controller tries again, after waits of at most 17 min$/;
