// The other pods of a pod's namespace: those that are in the same state, by the cluster and by podrole's server, and
// those of which it may be a copy. Pure.
import type { Pod } from "../../kubernetes/objects.ts";
import { requestedInstead } from "../status/pod-rows.ts";
import { type SeenPod, seenPodOf } from "../status/seen-pod.ts";
import type { ExplainInput, Neighbours } from "./model.ts";

/** Returns what explain needs of them. */
export function neighboursOf(pod: Pod, seen: readonly SeenPod[], held: ExplainInput["held"]): Neighbours {
  const self = seenPodOf(pod);
  const known = held && "value" in held ? held.value : undefined;
  const codes = new Map(
    (known?.peers ?? []).flatMap(({ uid, containers }) =>
      containers.flatMap(({ code }) => (code === undefined ? [] : [[uid, code] as const])),
    ),
  );
  const ownCode = known?.containers.find(({ code }) => code !== undefined)?.code;
  const state = self && neighbourState(self, ownCode);
  const others = seen.filter(
    ({ uid, name, mayBeCopy }) => !mayBeCopy && (uid !== pod.metadata.uid || name !== pod.metadata.name),
  );
  return {
    alike: others.filter((other) => neighbourState(other, codes.get(other.uid)) === state).map(({ name }) => name),
    originals: others.filter(({ isCopy, sidecar }) => sidecar !== undefined && !isCopy),
  };
}

/** The same text for pods that the same remedy helps. */
function neighbourState(pod: SeenPod, heldCode: string | undefined): string {
  const { sidecar, isDeleted } = pod;
  if (isDeleted) return "terminating";
  if (sidecar === undefined) return "not injected";
  if (sidecar.phase === "ready") return heldCode ?? (isChanged(pod) ? "role changed" : "ready");
  return sidecar.lastEnd?.code ?? heldCode ?? sidecar.reason ?? sidecar.phase;
}

/** Whether the pod's annotations name another role than it got. */
function isChanged(pod: SeenPod): boolean {
  return Object.entries(pod.roles).some(([container, role]) => requestedInstead(pod, container, role) !== undefined);
}
