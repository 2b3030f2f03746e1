// What must always hold in a simulation, looked at after each answer to an app, each hour, and when everything must be
// well.
import { bundleOf, decodeAuthorities } from "../../src/pki/authorities.ts";
import { bundleHash } from "../../src/pki/bundle.ts";
import { Secret } from "../../src/runtime/secret.ts";
import { webhooksOf } from "./api-server.ts";
import { RECOVERY_MS } from "./outages.ts";
import { type AppAnswer, isInBackoff, type SimulatedPod } from "./pod.ts";
import { NAMESPACE } from "./programs.ts";
import { BEGINNING } from "./timeline.ts";
import type { SimulatedWorld } from "./world.ts";

/** The rules. */
export type Rule = "valid credentials" | "own credentials" | "bounded" | "calls per hour" | "well again" | "no error";

/** A rule that does not hold. */
export interface Violation {
  /** Milliseconds from the beginning. */
  readonly at: number;
  readonly rule: Rule;
  readonly text: string;
}

/** Reports a violation. */
export type Report = (rule: Rule, text: string) => void;

/**
 * The share of a session's lifetime that a sidecar has left at least: it renews at half of it, ±10 %, up to 5 % late.
 */
const HELD = 0.42;
const STARTED_MS = 60_000;
/** Longer than the kubelet's longest back-off. */
const OVERDUE_MS = 900_000;
const CLOCK_MS = 7_000;

function nameOf({ plan: { owner } }: SimulatedPod): string {
  return `${owner.namespace}/${owner.name}`;
}

/** Looks at one answer to an app. `lifetimeMs`: of the shortest sessions. */
export function checkAnswer(world: SimulatedWorld, answer: AppAnswer, lifetimeMs: number, report: Report): void {
  const { pod, code } = answer;
  if (code === "OK") return checkCredentials(world, answer, report);
  const { owner, node } = pod.plan;
  const { outages } = world;
  const roles = [...world.workloads.rolesOf(pod).keys()];
  if (outages.isAffected(owner.uid, node.name, owner.namespace, ...roles)) return;
  const awayMs = outages.pathAwayMs();
  if (awayMs > HELD * lifetimeMs) return;
  const away = awayMs === 0 ? "nothing was away" : `what it depends on was away for ${Math.round(awayMs / 1000)} s`;
  report("valid credentials", `the app of ${nameOf(pod)} got ${code}, and ${away}`);
}

function checkCredentials(world: SimulatedWorld, { pod, accessKeyId = "" }: AppAnswer, report: Report): void {
  const { owner, node } = pod.plan;
  const { timeline, sts, workloads } = world;
  const session = sts.sessions.get(accessKeyId);
  if (!session) return report("own credentials", `${nameOf(pod)} got ${accessKeyId}, which STS did not issue`);
  const { roleArn, sessionName, onlyForUid } = session.input;
  const until = workloads.rolesOf(pod).get(roleArn);
  const isOwn = onlyForUid === owner.uid && sessionName === `${owner.namespace}.${owner.name}` && until !== undefined;
  if (!isOwn) return report("own credentials", `${nameOf(pod)} got a session of ${sessionName} with ${roleArn}`);
  const lifetimeMs = session.expiresAt - session.issuedAt;
  if (until + lifetimeMs < timeline.now())
    report("own credentials", `${nameOf(pod)} still gets its former role ${roleArn}`);
  const isExpired = session.expiresAt + CLOCK_MS < timeline.now();
  // A sidecar that has started since the clock was set cannot know that it was.
  const isExplained = world.outages.isAffected(node.name) && pod.startedAt >= node.steppedAt;
  if (isExpired && !isExplained)
    report(
      "valid credentials",
      `${nameOf(pod)} got a session that expired ${Math.round((timeline.now() - session.expiresAt) / 1000)} s ago`,
    );
}

/** Looks at everything that must be well three minutes after the last fault. */
export function checkWellness(world: SimulatedWorld, report: Report): void {
  const { timeline, servers, webhooks, workloads } = world;
  const now = timeline.now();
  for (const [name, deployment] of Object.entries({ servers, webhooks })) {
    if (!deployment.isWell()) report("well again", `the ${name} are not ready: ${reasonsOf(deployment.replicas)}`);
  }
  checkTrust(world, report);
  if (now - workloads.missingSince() > RECOVERY_MS) report("well again", "a pod could not be created");
  for (const pod of workloads.pods) {
    // The last answer may be from before the recovery: apps wait for up to a minute after a failure.
    if (pod.isAppRunning && pod.lastCode !== "OK" && pod.lastCode !== "")
      pod.ask((code) => {
        if (code !== "OK") report("well again", `the app of ${nameOf(pod)} still gets ${code}`);
      });
    const isWaiting = !pod.isAppRunning && now - pod.createdAt > RECOVERY_MS && now - pod.startedAt > STARTED_MS;
    const isOverdue = !pod.isAppRunning && now - Math.max(pod.createdAt, world.outages.lastEnd()) > OVERDUE_MS;
    if (isOverdue || (isWaiting && !isInBackoff(pod, timeline)))
      report("well again", `${nameOf(pod)} still waits for its first credentials, after ${pod.restarts} restarts`);
  }
}

function reasonsOf(replicas: SimulatedWorld["servers"]["replicas"]): string {
  return replicas
    .map(
      ({ program, pages }) =>
        `${program.name}: ${[...(pages?.unready() ?? ["not started"]), ...(pages?.degraded?.() ?? [])].join(", ") || "ready"}`,
    )
    .join("; ");
}

function checkTrust({ api }: SimulatedWorld, report: Report): void {
  const secret = api.store.get("secrets", `${NAMESPACE}/podrole-ca`);
  const data = (secret?.["data"] ?? {}) as Record<string, string>;
  const slots = decodeAuthorities(
    Object.fromEntries(Object.entries(data).map(([key, text]) => [key, new Secret(text)])),
  );
  if (!slots) return report("well again", "the Secret of the CA is missing or empty");
  const bundle = bundleHash(bundleOf(slots));
  const published = (api.store.get("configmaps", `${NAMESPACE}/podrole-trust`)?.["data"] ?? {}) as Record<
    string,
    string
  >;
  if (bundleHash(published["bundle.pem"] ?? "") !== bundle)
    report("well again", "the published trust bundle is not the CA's");
  const configuration = api.store.get("mutatingwebhookconfigurations", "podrole");
  const caBundle = configuration && webhooksOf(configuration)[0]?.caBundle;
  if (bundleHash(caBundle ?? "") !== bundle) report("well again", "caBundle is not the CA's bundle");
}

/** Calls since the last look. */
export interface HourlyCounts {
  readonly sts: number;
  readonly tokenReviews: number;
  readonly server: number;
}

/** Renewals of one pod in an hour at most, once an outage has lasted; each makes up to two calls. */
export const MAX_RENEWALS = 120;
const MAX_TIMERS = { server: 150, webhook: 60, sidecar: 25 } as const;

/** Looks at sizes and at the calls of the last hour. `isCalm`: nothing has happened for two hours. */
export async function checkHour(
  world: SimulatedWorld,
  counts: HourlyCounts,
  isCalm: boolean,
  report: Report,
): Promise<void> {
  const { servers, webhooks, workloads, inside } = world;
  const pods = workloads.pods.size + 20;
  const perPod = isCalm
    ? { sts: 8, tokenReviews: 6, server: 12 }
    : { sts: 130 * servers.replicas.length, tokenReviews: 260, server: 400 };
  for (const [name, most] of Object.entries(perPod) as [keyof HourlyCounts, number][]) {
    if (counts[name] > most * pods)
      report("calls per hour", `${counts[name]} calls (${name}) for ${pods} pods; expected at most ${most} for each`);
  }
  const bounded = (what: string, size: number, most: number) => {
    if (size > most) report("bounded", `${what}: ${size}; expected at most ${most}`);
  };
  bounded("files of pods", inside.volumes.size(), 8 * pods);
  bounded("servers in pods", inside.podServers.size, 2 * pods);
  for (const { program, pages } of servers.replicas) {
    if (!program.isAlive() || pages === undefined) continue;
    bounded(`timers of ${program.name}`, program.timers(), MAX_TIMERS.server + 2 * pods);
    const metrics = JSON.parse(await pages.exposeMetrics()) as Record<string, number>;
    bounded(`sessions of ${program.name}`, metrics["cacheSize"] ?? 0, 4 * pods);
    bounded(`calls of ${program.name} that wait`, metrics["stsWaiting"] ?? 0, 250);
  }
  for (const { program } of webhooks.replicas)
    bounded(`timers of ${program.name}`, program.timers(), MAX_TIMERS.webhook);
  for (const pod of workloads.pods)
    bounded(`timers of ${nameOf(pod)}`, pod.program()?.timers() ?? 0, MAX_TIMERS.sidecar);
}

/** A time of the timeline for people. */
export function formatTime(ms: number): string {
  return `day ${Math.floor(ms / 86_400_000)}, ${new Date(BEGINNING + ms).toISOString().slice(11, 19)}`;
}
