// RBAC of podrole's programs, as SubjectAccessReviews report it: what they need, and what they must not have.

import type { ProgramName } from "../../installed.ts";
import type { Known } from "../../known.ts";
import type { Facts, JudgedRight } from "../facts.ts";
import { type CheckRow, type CheckVerdict, failed, inSection, ok, skippedUnknown } from "../finding.ts";
import { formatRight } from "../rights.ts";

const neededRightsCheck = (who: ProgramName): CheckRow => ({
  summary: `RBAC grants the ${who} every permission that it needs.`,
  remedy: "Apply `manifests/base/rbac.yaml` or the chart again. The message names the missing permissions.",
  judge: ({ programRights }: Facts) =>
    judgeRights(
      programRights.filter(({ right }) => right.who === who && right.isExpected),
      `Cannot run the ${who}: it`,
      `the ${who} has every permission that it needs`,
    ),
});

const narrowRightsCheck = (who: ProgramName): CheckRow => ({
  summary: `RBAC grants the ${who} no dangerous permission that it does not need, such as to read or list other Secrets, to create or delete pods, to create tokens, or to impersonate users.`,
  remedy: `Find the additional binding that grants the permission in the message to ServiceAccount podrole-${who} or to one of its groups (\`kubectl get clusterrolebindings,rolebindings -A -o wide\`), and remove only that binding.`,
  judge({ programRights }: Facts): CheckVerdict {
    const judged = programRights.filter(({ right }) => right.who === who && !right.isExpected);
    const wide = rightsThatAre("granted", judged);
    if ("unknown" in wide) return skippedUnknown(wide);
    return wide.value.length === 0
      ? ok(`the ${who} has none of the ${judged.length} permissions that it must not have`)
      : failed(`The ${who} may ${wide.value.join(", ")}; expected none of these permissions`);
  },
});

/** Checks of section "rights". */
export const RBAC_CHECKS = inSection("rights", "installed", {
  RIGHTS_SERVER: neededRightsCheck("server"),
  RIGHTS_WEBHOOK: neededRightsCheck("webhook"),
  RIGHTS_SERVER_NARROW: narrowRightsCheck("server"),
  RIGHTS_WEBHOOK_NARROW: narrowRightsCheck("webhook"),
});

/** Judges rights that must be granted; a failure's message begins with `beginning`. */
export function judgeRights(judged: readonly JudgedRight[], beginning: string, okMessage: string): CheckVerdict {
  const lacking = rightsThatAre("missing", judged);
  if ("unknown" in lacking) return skippedUnknown(lacking);
  return lacking.value.length === 0 ? ok(okMessage) : failed(`${beginning} may not ${lacking.value.join(", ")}`);
}

/** Returns the names of these rights; unknown if it is unknown of any of them whether it is granted. */
function rightsThatAre(state: "granted" | "missing", judged: readonly JudgedRight[]): Known<readonly string[]> {
  const unknown = judged.map(({ allowed }) => allowed).find((allowed) => "unknown" in allowed);
  if (unknown) return unknown;
  const found = judged.filter(({ allowed }) => "value" in allowed && allowed.value === (state === "granted"));
  return { value: found.map(({ right }) => formatRight(right)) };
}
