// Whether new pods of the cluster can have a pod certificate. With --pod-certificates=auto the server looks each
// minute: the API server must serve both resources, and each kubelet that runs new pods must know the volumes; a pod on
// an older one never starts. States: unknown (nothing could be read yet) → on ⇄ off → stopped (signal). A look that
// fails changes nothing and is a warning. Pods that exist keep what they have, so the signer goes on while the answer
// is off.
import type { Kubernetes } from "../../kubernetes/api.ts";
import { type Kubelet, MIN_POD_CERTIFICATE_MINOR, olderKubelets } from "../../kubernetes/kubelets.ts";
import { servesPodCertificates } from "../../kubernetes/pod-certificate-api.ts";
import type { PodCertificateSupport } from "../../protocol/pod-certificates.ts";
import { type Changing, createChanges } from "../../runtime/changes.ts";
import { type Clock, MINUTE_MS, repeat } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";

/** `onChange` reports each other answer. */
export interface ClusterSupport extends Changing {
  /** Undefined while unknown. */
  current(): PodCertificateSupport | undefined;
  /** Resolves once the API server has been found to serve the resources; never with --pod-certificates=off. */
  readonly served: Promise<void>;
}

/** What the looks depend on. */
export interface ClusterSupportDeps {
  readonly kubernetes: Pick<Kubernetes, "servesResource" | "listKubelets">;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** A larger cluster is looked at less often: a page of 100 nodes has up to 2.5 MB. */
const NODES_PER_LOOK = 1_000;

/** The support that the operator states with --pod-certificates=on or off. */
export function statedSupport(answer: PodCertificateSupport): ClusterSupport {
  return {
    current: () => (answer === "on" ? "on" : undefined),
    served: answer === "on" ? Promise.resolve() : new Promise(() => {}),
    onChange: () => () => {},
  };
}

/** Starts looking, until `signal` is aborted. */
export function startClusterSupport({ kubernetes, clock, log, signal }: ClusterSupportDeps): ClusterSupport {
  const served = Promise.withResolvers<void>();
  const changes = createChanges((err) =>
    log.error({ err }, "could not follow whether pods can have a pod certificate"),
  );
  let answer: PodCertificateSupport | undefined;

  /** Returns the number of nodes that were read. */
  async function look(): Promise<number> {
    const isServed = await servesPodCertificates(kubernetes);
    if (isServed) served.resolve();
    const kubelets = isServed ? await kubernetes.listKubelets(signal) : [];
    const problem = isServed ? findNodeProblem(kubelets) : "the API server does not serve PodCertificateRequests";
    const found = problem === undefined ? "on" : "off";
    if (found !== answer) {
      answer = found;
      log.info({ podCertificates: found, ...(problem && { reason: problem }) }, "new pods get another proof");
      changes.emit();
    }
    return kubelets.length;
  }

  void repeat({ clock, signal }, async () => {
    try {
      return Math.max(1, (await look()) / NODES_PER_LOOK) * MINUTE_MS;
    } catch (error) {
      if (signal.aborted) return MINUTE_MS;
      const fields = { err: error, podCertificates: answer ?? "unknown" };
      log.warn(fields, "could not find out whether pods can have a pod certificate");
      return MINUTE_MS;
    }
  });
  return { current: () => answer, served: served.promise, onChange: changes.onChange };
}

/** Why pods on some node would not start; undefined if none is known. Without a node for new pods, nothing is known. */
function findNodeProblem(kubelets: readonly Kubelet[]): string | undefined {
  if (!kubelets.some(({ isSchedulable }) => isSchedulable)) return "no node is schedulable";
  const [older, ...others] = olderKubelets(kubelets);
  if (older === undefined) return undefined;
  const more = others.length === 0 ? "" : `, and ${others.length} more nodes`;
  return `node ${older.node} has kubelet ${older.version}${more}; expected 1.${MIN_POD_CERTIFICATE_MINOR} or newer`;
}
