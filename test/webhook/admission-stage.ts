// The admission handler with a fake clock, cluster and log.
import assert from "node:assert/strict";
import type { PlanSettings } from "../../src/injection/plan.ts";
import { type Admission, createAdmissionHandler } from "../../src/webhook/admit.ts";
import type { CallerProof } from "../../src/webhook/callers.ts";
import { createPodContextReader } from "../../src/webhook/lookups.ts";
import { readAdmissionReview } from "../../src/webhook/review.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { createKeptLog } from "../fakes/log.ts";
import { PLAN_SETTINGS } from "../injection/plan-settings.ts";
import { createFakeCluster, reviewOf } from "./requests.ts";

/** Of the look-ups of one review. */
export const TIMEOUT_MS = 3_000;

/** Creates an admission handler with fakes around it, and what it writes. */
export function createAdmissionStage(settings: () => PlanSettings | undefined = () => PLAN_SETTINGS) {
  const clock = createFakeClock();
  const cluster = createFakeCluster();
  const { log, lines } = createKeptLog();
  const records: Readonly<Record<string, unknown>>[] = [];
  const lookups = createPodContextReader({ clock, cluster }, { timeoutMs: TIMEOUT_MS });
  const admit = createAdmissionHandler({ clock, log, audit: (line) => records.push({ ...line }), lookups, settings });
  const send = (object: unknown, request?: Record<string, unknown>, caller?: CallerProof): Promise<Admission> => {
    const read = readAdmissionReview(reviewOf(object, request));
    assert.ok(read.ok);
    return admit({ ...read.value, ...(caller && { caller }) });
  };
  return { clock, cluster, lines, records, send };
}
