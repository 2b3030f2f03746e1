// One pod for the page of podrole ui: the decision on it, from podrole explain, and its Events.
import type { Pod } from "../../kubernetes/objects.ts";
import type { EventObject } from "../blocked-workloads.ts";
import { explain } from "../explain/explain.ts";
import { deriveKnown, type Known, readKnown } from "../known.ts";
import { askAboutPod } from "../state/ask-server.ts";
import { newestFirst } from "../status/refusal-rows.ts";
import type { UiEvent, UiPod } from "./model.ts";
import type { UiDeps } from "./snapshot.ts";

/** A pod of the cluster. */
export interface PodName {
  readonly namespace: string;
  readonly name: string;
}

/** The API server keeps Events for an hour; a pod that crashes has tens of them. */
const MAX_UI_EVENTS = 100;

/** Reads both; what cannot be read is unknown, with the reason. */
export async function readUiPod(
  { kubernetes, clock, askServer }: UiDeps,
  { namespace, name }: PodName,
  podroleNamespace: string,
): Promise<UiPod> {
  const readHeld = (pod: Pod) => askAboutPod(askServer, pod);
  const subject = { kind: "Pod", resource: "pods", name } as const;
  const explained = await readKnown(() =>
    explain({ kubernetes, clock, readHeld }, { subject, namespace, podroleNamespace }),
  );
  const fieldSelector = `involvedObject.kind=Pod,involvedObject.name=${name}`;
  const events = await readKnown(() =>
    kubernetes.listAll<EventObject & { readonly type?: string }>("events", { namespace, fieldSelector }),
  );
  return {
    explanation: firstExplanation(explained),
    events: deriveKnown(events, (all) => all.map(uiEventOf).toSorted(newestFirst).slice(0, MAX_UI_EVENTS)),
  };
}

function firstExplanation(explained: Known<Awaited<ReturnType<typeof explain>>>): UiPod["explanation"] {
  if ("unknown" in explained) return explained;
  const { value } = explained;
  if (!value.ok) return { unknown: value.problem, needs: [] };
  const [first] = value.value;
  return first ? { value: first } : { unknown: "there is no such pod", needs: [] };
}

function uiEventOf(event: EventObject & { readonly type?: string }): UiEvent {
  const { lastTimestamp, type = "Normal", reason = "", message = "", count = 1 } = event;
  return { time: lastTimestamp ?? "", type, reason, message, count };
}
