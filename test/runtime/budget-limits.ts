// The small budget of the tests.
import type { BudgetLimits } from "../../src/runtime/budget.ts";

export const TESTED_LIMITS: BudgetLimits = {
  connections: 4,
  bytes: 100,
  requests: 5,
  requestsPerConnection: 2,
  headersMs: 5_000,
  bodyMs: 3_000,
  callMs: 2_000,
  keepAliveMs: 10_000,
  sweepMs: 1_000,
};
