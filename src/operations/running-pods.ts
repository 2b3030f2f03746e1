// What the pods of a cluster do while podrole's server is away, its CA is being replaced, or its webhook is not
// registered: how many hold credentials and until when, whether they renew, and which run without podrole. Pure.
import { countOf, formatAge } from "./format.ts";

/** The pods, as far as they could be read. */
export interface RunningPods {
  /** The namespace whose pods were read; absent: all namespaces. */
  readonly namespace?: string;
  /** Injected pods whose sidecar is ready: they have credentials, unless these have expired. */
  readonly serving: number;
  /** Injected pods whose sidecar is not ready. */
  readonly waiting: number;
  /** "shop/orders": those of labelled namespaces that name a role and run without podrole. */
  readonly uninjected: readonly string[];
  /** Pods that were created without a CA that is published now; absent if unknown. */
  readonly older?: OlderPods;
}

/** Pods that are older than a CA. */
export interface OlderPods {
  /** Without credentials, because they do not trust the server. */
  readonly untrusting: number;
  /** With credentials that the server issued after the CA had begun to sign: they trust it. */
  readonly renewed: number;
  /** With credentials; whether they trust it is unknown. */
  readonly unknown: readonly OlderPod[];
  /** When the credentials of those expire at the earliest, RFC 3339; absent if unknown. */
  readonly firstExpiry?: string;
}

/** A running pod that may not trust the server. */
export interface OlderPod {
  readonly namespace: string;
  readonly pod: string;
  /** What creates it again, such as "Deployment/orders"; the pod itself if nothing does. */
  readonly workload: string;
  /** When it has tried to renew, so that its log says whether it trusts the server, RFC 3339; absent if unknown. */
  readonly triedBy?: string;
}

/** A sidecar renews after at most this part of a lifetime, so the rest is left to all when the server goes away. */
const RENEWED_PERCENT = 55;

/** Returns when credentials expire at the earliest that could be renewed until `since` (RFC 3339). */
export function earliestExpiry(since: string, sessionMs: number): { readonly at: string; readonly leftMs: number } {
  const leftMs = ((100 - RENEWED_PERCENT) * sessionMs) / 100;
  return { at: timeAfter(since, leftMs), leftMs };
}

/** Returns when a sidecar has tried to renew credentials of this lifetime (RFC 3339). */
export function latestRenewal(renewed: string, expires: string): string {
  return timeAfter(renewed, (RENEWED_PERCENT * (Date.parse(expires) - Date.parse(renewed))) / 100);
}

function timeAfter(since: string, ms: number): string {
  return new Date(Date.parse(since) + ms).toISOString().replace(".000Z", "Z");
}

/** Says what pods do while no replica of the server is ready. `since`: for how long (RFC 3339). */
export function withoutServerText(
  running: RunningPods | undefined,
  { since, sessionMs }: { readonly since: string | undefined; readonly sessionMs: number | undefined },
): string {
  const starting = "all namespaces: every injected pod that starts waits for it";
  const waiting =
    running === undefined ? [] : [`${countOf(running.waiting, "pod")} ${verb(running.waiting, "waits")} now`];
  if (running?.serving === 0)
    return [starting, `${placeText(running)}${waiting.join()} and none has credentials`].join("; ");
  const first = since === undefined || sessionMs === undefined ? undefined : earliestExpiry(since, sessionMs);
  const expiry =
    first === undefined
      ? ""
      : ` at ${first.at} at the earliest (${formatAge(first.leftMs)} after the server went away)`;
  const kept = `${servingText(running)} credentials and cannot renew them: these expire${expiry}, and then AWS calls fail until a replica is ready`;
  return [starting, `${placeText(running)}${[...waiting, kept].join(", ")}`].join("; ");
}

/** Says what pods do that were created without a CA that signs now, or that will. */
export function olderPodsText(running: RunningPods | undefined): string {
  const { older } = running ?? {};
  if (older === undefined) return "pods that have renewed have it; a new pod has it too";
  const { untrusting, renewed, unknown, firstExpiry } = older;
  const names = unknown.map(({ namespace, pod }) => `${namespace}/${pod}`);
  const until = firstExpiry === undefined ? "" : `, which expire at ${firstExpiry} at the earliest`;
  const parts = [
    `${countOf(untrusting, "pod")} ${verb(untrusting, "waits")} for credentials with SERVER_UNTRUSTED`,
    ...(unknown.length === 0
      ? []
      : [
          `${runningText(unknown.length)} may not trust the server (${someNames(names)}): then the log of podrole-sidecar has SERVER_UNTRUSTED, and the pod keeps its credentials${until}, but does not renew them: create such a pod again before they expire`,
        ]),
    `${runningText(renewed)} ${verb(renewed, "has", "have")} renewed since, and will again`,
    "a new pod has the CA, and gets credentials",
  ];
  return `${placeText(running)}${parts.join("; ")}`;
}

/** Says what running pods do that call a server that they do not trust. */
export function untrustingPodsText(running: RunningPods | undefined): string {
  return `${placeText(running)}${servingText(running)} credentials until these expire, and cannot renew them; a new pod waits`;
}

/** Pods without podrole that are named; `podrole status -A` has all of them. */
const MAX_NAMED = 5;

/** Says which pods run without podrole; undefined if that is unknown. */
export function uninjectedText(running: RunningPods | undefined): string | undefined {
  if (running === undefined) return undefined;
  const { uninjected } = running;
  const names = someNames(uninjected);
  return uninjected.length === 0
    ? `${placeText(running)}no pod that names a role runs without podrole`
    : `${placeText(running)}${countOf(uninjected.length, "pod")} that ${verb(uninjected.length, "names")} a role ${verb(uninjected.length, "runs")} without podrole: ${names}`;
}

function someNames(names: readonly string[]): string {
  const rest = names.length - MAX_NAMED;
  return names.slice(0, MAX_NAMED).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

function placeText(running: RunningPods | undefined): string {
  return running?.namespace === undefined ? "" : `in namespace ${running.namespace}, `;
}

function servingText(running: RunningPods | undefined): string {
  if (running === undefined) return "running pods have";
  return `${runningText(running.serving)} ${verb(running.serving, "has", "have")}`;
}

function runningText(count: number): string {
  return countOf(count, "running pod");
}

function verb(count: number, singular: string, plural = singular.slice(0, -1)): string {
  return count === 1 ? singular : plural;
}
