// Check of what pods hold, by the answer of podrole's server: a sidecar that is ready serves what it has even while its
// renewals are refused, so the pod's own state says nothing about them.
import { ERRORS, isErrorCode } from "../../../protocol/errors.ts";
import type { ContainerHolding, PodState, RefusalRecord } from "../../../protocol/state/model.ts";
import { countOf } from "../../format.ts";
import { stepsWithinCheck } from "../../next-steps.ts";
import { lastRefusals, refusalMessage } from "../../state/last-refusals.ts";
import {
  type CheckVerdict,
  failed,
  inSection,
  problemsOrOk,
  REMEDY_PAGES,
  skipped,
  warning,
  withNext,
} from "../finding.ts";

/** The check of section "workloads" that asks podrole's server. */
export const CREDENTIAL_CHECKS = inSection("workloads", "installed", {
  CREDENTIALS_HELD: {
    summary:
      "The last renewal of every container succeeded, by the answer of podrole's server. Pods that have not called since the server's restart are not judged.",
    remedy: `The message has the code and the remedy; ${REMEDY_PAGES.errors} describes the codes. A container whose renewal was refused serves its credentials until they expire, unless the code ends that.`,
    judge({ held, now }) {
      // The right to ask is one that few have, and SIDECARS_READY judges the same pods without it.
      if ("unknown" in held) return skipped(held.unknown);
      const known = held.value.state.pods.filter(({ containers }) => containers.length > 0);
      const refusals = lastRefusals(held.value.state);
      return problemsOrOk(
        known.flatMap((pod) => judgePodState(pod, refusals.get(pod.uid), now)),
        known.length === 0
          ? "no pod has called the server since its restart"
          : `the last renewal of every container of ${countOf(known.length, "pod")} succeeded`,
      );
    },
  },
});

function judgePodState(pod: PodState, refused: RefusalRecord | undefined, now: number): readonly CheckVerdict[] {
  return pod.containers.flatMap((holding) => {
    const serverMessage = refusalMessage(refused, holding.code);
    return judgeHolding(pod, { ...holding, ...(serverMessage !== undefined && { serverMessage }) }, now) ?? [];
  });
}

/** Judges one container; undefined if its last result contained credentials. */
function judgeHolding(
  { namespace, name }: PodState,
  { container, code, expiresAt, serverMessage }: ContainerHolding & { readonly serverMessage?: string },
  now: number,
): CheckVerdict | undefined {
  if (code === undefined) return undefined;
  const object = { namespace, kind: "pod", name };
  const isHeld = expiresAt !== undefined && Date.parse(expiresAt) > now;
  const state = isHeld ? `holds credentials until ${expiresAt}, and its last renewal failed` : "holds no credentials";
  const reason = serverMessage === undefined ? "" : `: ${serverMessage}`;
  const remedy = isErrorCode(code) ? ` -- ${ERRORS[code].remedy}` : "";
  const verdict = (isHeld ? warning : failed)(
    `Container ${container} ${state}: ${code}${reason}${remedy}`,
    `pod ${namespace}/${name}`,
  );
  return withNext(verdict, ...stepsWithinCheck(code, { object, serverMessage }));
}
