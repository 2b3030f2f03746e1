// RBAC as the API server judges it, asked with SubjectAccessReviews: what the programs need, and what they must not have.
import type { ProgramName } from "../installed.ts";
import type { Facts } from "./facts.ts";
import { type Check, type CheckTable, failed, ok, skipped, type Verdict } from "./finding.ts";
import { lackingOf } from "./prerequisites.ts";
import { rightInWords } from "./rights.ts";

const needed = (who: ProgramName): Check => ({
  section: "rights",
  when: "installed",
  summary: `RBAC lets the ${who} do what it must.`,
  remedy: "Apply `manifests/base/rbac.yaml` again, or the chart's; the message names what is missing.",
  judge: ({ programRights }: Facts) =>
    lackingOf(
      programRights.filter(({ right }) => right.who === who && right.wanted),
      `Cannot run the ${who}: it`,
      `the ${who} may do what it must`,
    ),
});

const narrow = (who: ProgramName): Check => ({
  section: "rights",
  when: "installed",
  summary: `RBAC does not let the ${who} do what would make its stolen token worth more than itself.`,
  remedy: `Find the binding (\`kubectl get clusterrolebindings,rolebindings -A -o wide\` and look for podrole-${who} and its groups) and remove it.`,
  judge({ programRights }: Facts): Verdict {
    const judged = programRights.filter(({ right }) => right.who === who && !right.wanted);
    const unknown = judged.find(({ allowed }) => "unknown" in allowed);
    if (unknown && "unknown" in unknown.allowed) return skipped(unknown.allowed.unknown);
    const wide = judged.filter(({ allowed }) => "value" in allowed && allowed.value);
    return wide.length === 0
      ? ok(`the ${who} has none of ${judged.length} rights that it must not have`)
      : failed(`The ${who} may ${wide.map(({ right }) => rightInWords(right)).join(", ")}, wanted none of it`);
  },
});

export const ACCESS = {
  RIGHTS_SERVER: needed("server"),
  RIGHTS_WEBHOOK: needed("webhook"),
  RIGHTS_SERVER_NARROW: narrow("server"),
  RIGHTS_WEBHOOK_NARROW: narrow("webhook"),
} as const satisfies CheckTable;
