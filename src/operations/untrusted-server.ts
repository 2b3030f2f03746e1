// Why a pod does not trust podrole's server (SERVER_UNTRUSTED), and what helps: by what is wrong with the server's
// certificate, and by the CAs that the pod was created with. Pure. What a pod says may be forged by its author, so
// nothing but texts for people follows from it.
import { countOf } from "./format.ts";
import { objectArgument, shellQuote } from "./migrate/shell-commands.ts";
import { commandsForAllStep, restartWorkloadSteps } from "./next-steps.ts";
import { olderPodsText, type RunningPods, untrustingPodsText } from "./running-pods.ts";

/** The CAs of the published trust bundle, and those of them that a pod was created without. */
export interface PodTrust {
  readonly published: number;
  /** Each as its subject and the beginning of its fingerprint, as podrole status trust writes them. */
  readonly lacking: readonly string[];
}

/**
 * "clock": the certificate has expired or is not yet valid. "name": it is for another name. "bundle": the pod was
 * created without a CA of the published bundle. "foreign": the pod has all of them, and none issued the certificate.
 * "issuer": it is of a CA that the pod does not have, and no more is known.
 */
export type Distrust = "clock" | "name" | "bundle" | "foreign" | "issuer";

/** Returns why the pod does not trust the server. `message`: of the error SERVER_UNTRUSTED. */
export function distrustOf(message: string, trust?: PodTrust): Distrust {
  const [, problem = ""] = /does not verify \(([A-Z_]+)\)/.exec(message) ?? [];
  if (problem === "CERT_HAS_EXPIRED" || problem === "CERT_NOT_YET_VALID") return "clock";
  if (problem === "ERR_TLS_CERT_ALTNAME_INVALID") return "name";
  if (trust === undefined) return "issuer";
  return trust.lacking.length > 0 ? "bundle" : "foreign";
}

/** Whom it concerns besides the pod, and the command for all of them; empty if it may be this pod alone. */
export function distrustScope(
  message: string,
  trust?: PodTrust,
  running?: RunningPods,
): { readonly scope?: string; readonly forAll?: string } {
  return recoversFromDistrust(message, trust)
    ? { scope: `all namespaces: every pod that calls this server; ${untrustingPodsText(running)}` }
    : { scope: `${OLDER_SCOPE}; ${olderPodsText(running)}`, forAll: ALL_DISTRUSTING };
}

const OLDER_SCOPE = "all namespaces: every pod that is older than the CA and has not renewed since";

/** Returns the message with what the comparison adds: the reason that the pod itself cannot know comes first. */
export function distrustText(message: string, trust?: PodTrust): string {
  if (trust === undefined) return message;
  const { published, lacking } = trust;
  const cas = `of the ${countOf(published, "CA")} that podrole publishes now`;
  switch (distrustOf(message, trust)) {
    case "bundle": {
      const rotation = published > 1 ? "podrole's CA is being rotated, and " : "";
      return `${rotation}the pod was created without ${lacking.length} ${cas}, ${lacking.join(", ")}: ${message}`;
    }
    case "foreign":
      return `${message}; the pod has each ${cas}`;
    case "clock":
    case "name":
    case "issuer":
      return message;
  }
}

/** Returns what an operator does. */
export function distrustRemedy(message: string, trust?: PodTrust): string {
  const distrust = distrustOf(message, trust);
  return distrust === "bundle" && trust !== undefined && trust.published > 1
    ? ROTATION_REMEDY
    : DISTRUST_REMEDIES[distrust];
}

const ROTATION_REMEDY =
  "Create the pod again, and each other one that podrole status -A shows with SERVER_UNTRUSTED: a new pod has all of podrole's CAs. Take no step of the rotation before that (podrole rotate status).";

const DISTRUST_REMEDIES: Readonly<Record<Distrust, string>> = {
  clock:
    "Compare the clock of the pod's node with that of the server's node. If they agree, podrole's server has not renewed its certificate: podrole check finds the reason (SERVING_CERTIFICATES, TRUST_BUNDLE).",
  name: "Find out what answers at the server's address: the certificate is for another name, as that of a proxy or of another program is. podrole check tests the installed server.",
  bundle: "Create the pod again: a new pod has the CA that podrole publishes now.",
  foreign:
    "A new pod has the same CAs, so do not create the pod again. The server's certificate is of a CA that was retired, or of another installation: find out which server answers at this address, and which CA signs (podrole status trust).",
  issuer:
    "Create the pod again: a new pod has the present CAs. If its sidecar does not trust the server either, the server's certificate is of a CA that was retired, or of another installation.",
};

/** Whether the pod recovers without a change to it, once the cause is gone. */
export function recoversFromDistrust(message: string, trust?: PodTrust): boolean {
  const distrust = distrustOf(message, trust);
  return distrust !== "bundle" && distrust !== "issuer";
}

const ROTATE_STEP =
  "podrole rotate status  # says until when each step of the rotation is refused: take none while podrole status -A, or the log of a running pod, shows SERVER_UNTRUSTED";
/** Pods in other namespaces lack the same CA. */
const ALL_DISTRUSTING = commandsForAllStep('.code == "SERVER_UNTRUSTED"');

/** Pods that are looked at one by one, each with its commands; the scope names more. */
const MAX_LOOKED_AT = 3;

/** A ready pod cannot report that it does not trust the server: its log has it, from its next renewal on. */
function lookAtRunning({ older }: Partial<RunningPods> = {}): readonly string[] {
  return (older?.unknown ?? []).slice(0, MAX_LOOKED_AT).flatMap((running) => {
    const { namespace, pod, triedBy } = running;
    const conclusive = triedBy === undefined ? "once it has tried to renew" : `from ${triedBy} on`;
    const log = `kubectl -n ${shellQuote(namespace)} logs ${objectArgument("pod", pod)} -c podrole-sidecar --tail=50  # shows SERVER_UNTRUSTED if this running pod does not trust the server either: without that line, it trusts the server for certain only ${conclusive}`;
    const condition = `only if that log of ${namespace}/${pod} has SERVER_UNTRUSTED, before its credentials expire`;
    return [log].concat(restartWorkloadSteps(running, condition));
  });
}

/** After a rotation: the pod is created again, and others may have to be. */
const untrustingSteps = (restart: readonly string[], running?: RunningPods): readonly string[] => [
  ...restart,
  ...lookAtRunning(running),
  ROTATE_STEP,
];

/** Reason → commands. `restart` has the pod created again. */
export const DISTRUST_STEPS: Readonly<
  Record<Distrust, (restart: readonly string[], running?: RunningPods) => readonly string[]>
> = {
  clock: () => [
    "podrole check --quiet  # shows the dates of the certificates: compare them with the clock of the node",
  ],
  name: () => ["podrole check --quiet"],
  bundle: untrustingSteps,
  foreign: () => ["podrole status trust  # shows which CA signs", "podrole check --quiet"],
  issuer: untrustingSteps,
};
