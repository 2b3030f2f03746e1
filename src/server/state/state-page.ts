// Composes one page of the server's answer about its state. Pure. A page is bounded in bytes: what pods do not fit come
// on the next one. Pages are cut by the names of pods, so that every replica can continue where another one stopped.
import { comparePods } from "../../protocol/state/merge.ts";
import type { ContainerHolding, PodState, StatePage } from "../../protocol/state/model.ts";
import type { KnownPod } from "../issue/known-pod.ts";

/** What a page is made of. */
export interface StatePageInput extends Omit<StatePage, "version" | "podCount" | "pods" | "next"> {
  /** The pods in the server's cache, in any order. */
  readonly known: readonly KnownPod[];
  readonly holdingsOf: (uid: string) => readonly ContainerHolding[] | undefined;
  /** `next` of the page before. */
  readonly after?: string;
}

/** About 3 000 pods with one role each. Several pages may be in flight, and the memory of all of them is limited. */
const MAX_PODS_BYTES = 1024 * 1024;

/** Returns the page as JSON. Pods that have finished, or that do not count as injected, are left out. */
export function composeStatePage(
  { known, holdingsOf, after, ...rest }: StatePageInput,
  { maxBytes = MAX_PODS_BYTES }: { readonly maxBytes?: number } = {},
): string {
  const { replica, namespace } = rest;
  const shown = known.flatMap((pod) => {
    const { facts, uid, hasFinished, uninjected } = pod;
    const isOther = namespace !== undefined && facts.namespace !== namespace;
    if (isOther || hasFinished || uninjected !== undefined || uid === undefined) return [];
    return [{ pod, uid, namespace: facts.namespace, name: facts.name ?? "" }];
  });
  const start = after === undefined ? undefined : readPosition(after);
  const left = shown.filter((pod) => start === undefined || comparePods(start, pod) < 0).toSorted(comparePods);
  const texts: string[] = [];
  let bytes = 0;
  for (const { pod, uid } of left) {
    const text = JSON.stringify(podState(pod, uid, holdingsOf(uid), replica.startedAt));
    bytes += Buffer.byteLength(text) + 1;
    if (bytes > maxBytes && texts.length > 0) break;
    texts.push(text);
  }
  const last = left[texts.length - 1];
  const next = last && texts.length < left.length ? { next: `${last.namespace}/${last.name}` } : {};
  const frame = JSON.stringify({ version: 1, ...rest, podCount: shown.length, ...next });
  return `${frame.slice(0, -1)},"pods":[${texts.join(",")}]}`;
}

function podState(
  { facts, node, sidecarRestarts }: KnownPod,
  uid: string,
  holdings: readonly ContainerHolding[] | undefined,
  startedAt: string,
): PodState {
  // A pod can report any name.
  const containers = holdings?.filter(({ container }) => facts.containers.includes(container)) ?? [];
  return {
    namespace: facts.namespace,
    name: facts.name ?? "",
    uid,
    serviceAccount: facts.serviceAccount,
    ...(node !== undefined && { node }),
    ...(sidecarRestarts !== undefined && { sidecarRestarts }),
    containers,
    ...(containers.length === 0 && { unknownSince: startedAt }),
  };
}

/** Any text is a position: one that no page ended with only continues somewhere else. */
function readPosition(after: string): { readonly namespace: string; readonly name: string } {
  const slash = after.indexOf("/");
  return slash < 0
    ? { namespace: after, name: "" }
    : { namespace: after.slice(0, slash), name: after.slice(slash + 1) };
}
