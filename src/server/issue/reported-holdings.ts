// Reads what a sidecar reports about its containers. The pod's author may have written it: whatever does not have its
// form is dropped, and the request is served all the same. Pure.
import { MAX_CONTAINERS_WITH_ROLE } from "../../policy/containers.ts";
import { parseRoleArn } from "../../policy/role.ts";
import { isErrorCode } from "../../protocol/errors.ts";
import type { Holding } from "../../protocol/generated/podrole/v1/podrole.ts";
import { HOUR_MS } from "../../runtime/clock.ts";
import { isDnsLabel } from "../../runtime/dns-names.ts";
import type { ReportedHolding } from "./result-observer.ts";

/** STS issues no longer sessions. */
const MAX_REMAINING_MS = 12 * HOUR_MS;

/** Returns the holdings that have their form, at most one for each container that may have a role. */
export function readReportedHoldings(holdings: readonly Holding[]): readonly ReportedHolding[] {
  const read = new Map<string, ReportedHolding>();
  for (const { container, roleArn, remainingSeconds, code } of holdings.slice(0, MAX_CONTAINERS_WITH_ROLE)) {
    if (!isDnsLabel(container)) continue;
    const role = parseRoleArn(roleArn)?.arn;
    const remainingMs = Math.min(remainingSeconds * 1000, MAX_REMAINING_MS);
    const refusal = isErrorCode(code) ? { code } : {};
    if (role === undefined && !("code" in refusal)) continue;
    read.set(container, { container, ...(role !== undefined && { role }), remainingMs, ...refusal });
  }
  return [...read.values()];
}
