// Check of what pods hold, by the answer of podrole's server: a sidecar that is ready serves what it has even while its
// renewals are refused, so the pod's own state says nothing about them.
import { countOf } from "../../format.ts";
import { stepsIn } from "../../next-steps.ts";
import type { PodRow } from "../../status/model.ts";
import {
  type CheckVerdict,
  failed,
  inSection,
  problemsOrOk,
  REMEDY_PAGES,
  skipped,
  warning,
  withDiagnosis,
} from "../finding.ts";
import { podRowsOf } from "../workloads.ts";

/** The check of section "workloads" that asks podrole's server. */
export const CREDENTIAL_CHECKS = inSection("workloads", "installed", {
  CREDENTIALS_HELD: {
    summary:
      "The last renewal of every container succeeded, by the answer of podrole's server. Pods that have not called since the server's restart are not judged.",
    remedy: `The message has the code and the remedy; ${REMEDY_PAGES.errors} describes the codes. A container whose renewal was refused serves its credentials until they expire, unless the code ends that.`,
    judge(facts) {
      const { held, now } = facts;
      // The right to ask is one that few have, and SIDECARS_READY judges the same pods without it.
      if ("unknown" in held) return skipped(held.unknown);
      const known = held.value.state.pods.filter(({ containers }) => containers.length > 0);
      return problemsOrOk(
        podRowsOf(facts).flatMap((row) => judgeHolding(row, now) ?? []),
        known.length === 0
          ? "no pod has called the server since its restart"
          : `the last renewal of every container of ${countOf(known.length, "pod")} succeeded`,
      );
    },
  },
});

/** Judges one container; undefined if its last result contained credentials, or if its sidecar's state says more. */
function judgeHolding(row: PodRow, now: number): CheckVerdict | undefined {
  const { namespace, pod, container, phase, code, expires } = row;
  if (code === undefined || (phase !== "ready" && phase !== "unknown")) return undefined;
  const isHeld = expires !== undefined && Date.parse(expires) > now;
  const state = isHeld ? `holds credentials until ${expires}, and its last renewal failed` : "holds no credentials";
  const verdict = (isHeld ? warning : failed)(`Container ${container} ${state}`, `pod ${namespace}/${pod}`);
  return withDiagnosis(verdict, row, stepsIn(row));
}
