// The move to IRSA or EKS Pod Identity as text: the counts, the steps in their order, and the pods that cannot move.
import { countOf, podsIn } from "../../operations/format.ts";
import type { DeparturePlan } from "../../operations/migrate/departure/departure.ts";
import type { StayingWorkload } from "../../operations/migrate/departure/moves.ts";
import { MAX_TRUST_POLICY_LENGTH, type TrustPolicy } from "../../operations/migrate/departure/trust.ts";
import { roleCommand, trustCommand } from "../../operations/migrate/shell-commands.ts";
import { escapeControls } from "./text.ts";

const DESTINATION_NAMES = { irsa: "IAM roles for service accounts", "pod-identity": "EKS Pod Identity" } as const;

/** The fields of the plan for JSON and YAML. Programs read them, so their names stay. */
export function departureData({ destination, departure, trust }: DeparturePlan): object {
  const moves = departure.moves.map((move) => Object.assign({ command: roleCommand(move, destination) }, move));
  return { destination, ...departure, moves, trustPolicies: trust };
}

/** Returns the counts, the steps of the move in their order, and the pods that cannot move. */
export function departureText(plan: DeparturePlan): string {
  const { moves, stays, withoutRole } = plan.departure;
  const moving = podsIn(moves);
  const staying = podsIn(stays);
  return [
    `podrole to ${DESTINATION_NAMES[plan.destination.to]}: ${countOf(moving, "pod")} of ${countOf(moves.length, "ServiceAccount")} can migrate, ${staying} cannot, ${withoutRole} ${withoutRole === 1 ? "has" : "have"} no role`,
    ...(moves.length === 0 ? [] : departureSteps(plan)),
    ...(stays.length === 0 ? [] : ["", "Cannot migrate without changes", ...stays.flatMap(stayLines)]),
    "",
  ]
    .map(escapeControls)
    .join("\n");
}

function departureSteps({ destination, departure: { moves }, trust }: DeparturePlan): readonly string[] {
  return [
    "",
    "1. Allow the ServiceAccounts to assume the roles. Each command replaces the whole trust policy of a role, so first add the",
    "   role's existing statements to the document. Keep the statement for podrole's server until the last pod has migrated.",
    ...trust.flatMap(trustLines),
    "",
    `2. ${destination.to === "irsa" ? "Annotate the ServiceAccounts with their roles." : "Associate the ServiceAccounts with their roles."}`,
    ...moves.map((move) => `   ${roleCommand(move, destination)}`),
    "",
    "3. Remove the label podrole.io/inject (kubectl label namespace NAME podrole.io/inject-) and restart the pods:",
    ...moves.flatMap(({ namespace, workloads, pods, notes }) => [
      `   ${namespace}: ${workloads.join(", ")} (${countOf(pods, "pod")})`,
      ...notes.map((note) => `     ${note}`),
    ]),
  ];
}

function trustLines(policy: TrustPolicy): readonly string[] {
  const { roleName, length } = policy;
  const command = `   ${trustCommand(policy)}`;
  if (length <= MAX_TRUST_POLICY_LENGTH) return [command];
  const limit = `IAM's limit is ${MAX_TRUST_POLICY_LENGTH} characters unless you raise the quota`;
  return [`   # ${roleName}: ${length} characters; ${limit}`, command];
}

function stayLines({ namespace, serviceAccount, workload, pods, reasons }: StayingWorkload): readonly string[] {
  return [
    `  ${namespace} ${workload} (${countOf(pods, "pod")}, ServiceAccount ${serviceAccount})`,
    ...reasons.map((reason) => `    ${reason}`),
  ];
}
