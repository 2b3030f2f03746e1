// The way out for people: the count, the steps in their order, and who cannot go.
import { visible } from "../../../cli/output/visible.ts";
import { plural } from "../text.ts";
import { roleCommand, trustCommand } from "./commands.ts";
import type { Departure, Stay } from "./departure.ts";
import type { Destination } from "./destination.ts";
import { LONGEST_TRUST_POLICY, type TrustPolicy } from "./trust.ts";

const NAMES = { irsa: "IAM roles for service accounts", "pod-identity": "EKS Pod Identity" } as const;

export function renderDeparture(
  { moves, stays, withoutRole }: Departure,
  trust: readonly TrustPolicy[],
  destination: Destination,
): string {
  const going = moves.reduce((sum, { pods }) => sum + pods, 0);
  const staying = stays.reduce((sum, { pods }) => sum + pods, 0);
  return [
    `podrole to ${NAMES[destination.to]}: ${plural(going, "pod")} of ${plural(moves.length, "ServiceAccount")} can go, ${staying} cannot, ${withoutRole} have no role`,
    ...(moves.length === 0 ? [] : steps({ moves, stays, withoutRole }, trust, destination)),
    ...(stays.length === 0 ? [] : ["", "Cannot go as they are", ...stays.flatMap(stayLines)]),
    "",
  ]
    .map(visible)
    .join("\n");
}

function steps({ moves }: Departure, trust: readonly TrustPolicy[], destination: Destination): readonly string[] {
  return [
    "",
    "1. Let the ServiceAccounts in. Add these statements to what the trust policies say today: the command replaces them,",
    "   and podrole's server needs its own until the last pod has gone.",
    ...trust.flatMap((policy) => [
      ...(policy.length > LONGEST_TRUST_POLICY
        ? [
            `   # ${policy.roleName}: ${policy.length} characters, IAM takes ${LONGEST_TRUST_POLICY} unless the quota is raised`,
          ]
        : []),
      `   ${trustCommand(policy)}`,
    ]),
    "",
    `2. ${destination.to === "irsa" ? "Name the roles on the ServiceAccounts." : "Associate the ServiceAccounts with their roles."}`,
    ...moves.map((move) => `   ${roleCommand(move, destination)}`),
    "",
    "3. Take podrole.io/inject off the namespaces (kubectl label namespace NAME podrole.io/inject-) and restart the pods:",
    ...moves.flatMap(({ namespace, workloads, pods, notes }) => [
      `   ${namespace}: ${workloads.join(", ")} (${plural(pods, "pod")})`,
      ...notes.map((note) => `     ${note}`),
    ]),
  ];
}

function stayLines({ namespace, serviceAccount, workload, pods, reasons }: Stay): readonly string[] {
  return [
    `  ${namespace} ${workload} (${plural(pods, "pod")}, ServiceAccount ${serviceAccount})`,
    ...reasons.map((reason) => `    ${reason}`),
  ];
}
