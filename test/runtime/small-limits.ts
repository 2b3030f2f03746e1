// Limits of a listener that tests reach with few connections.
import type { BudgetLimits } from "../../src/runtime/budget.ts";

export const SMALL_LIMITS: BudgetLimits = {
  connections: 4,
  bytes: 1_000,
  requests: 4,
  requestsPerConnection: 1,
  headersMs: 5_000,
  bodyMs: 5_000,
  callMs: 5_000,
  keepAliveMs: 5_000,
  sweepMs: 1_000,
};
