// The page's answer about the pod of the small cluster whose role STS denies.
import type { UiPod } from "../../src/operations/ui/model.ts";
import { ERRORS } from "../../src/protocol/errors.ts";
import { TYPO, UI_NOW, uiRoleArn } from "./snapshots.ts";

const MINUTE = 60_000;
const at = (ms: number, now: number) => new Date(now + ms).toISOString();

/** The answer about one pod of the small cluster. */
export function podAnswer(now = UI_NOW): UiPod {
  return {
    explanation: {
      value: {
        object: "pod/mailer-6f7d9-hx5pl in namespace shop",
        injected: true,
        now: { decision: "inject", reason: "INJECTED", message: "podrole-sidecar would be added", warnings: [] },
        existing: {
          injected: true,
          since: at(-11 * MINUTE, now),
          state: {
            phase: "waiting",
            reason: "CrashLoopBackOff",
            restarts: 4,
            lastEnd: { code: "STS_DENIED", message: TYPO, at: at(-20_000, now) },
          },
          containers: [
            {
              container: "app",
              admitted: uiRoleArn("shop-mial"),
              admittedBy: "podrole.io/resolved",
              code: "STS_DENIED",
            },
          ],
        },
        containers: [
          {
            container: "app",
            role: uiRoleArn("shop-mial"),
            allowed: true,
            namedBy: "pod",
            sessionName: "shop.mailer-6f7d9-hx5pl",
          },
        ],
        next: [],
        notes: [],
        settings: ["Deployment podrole-webhook", "ConfigMap podrole-common", "Deployment podrole-server"],
      },
    },
    events: {
      value: [
        {
          time: at(-20_000, now),
          type: "Warning",
          reason: "STS_DENIED",
          message: `${TYPO} -- ${ERRORS.STS_DENIED.remedy}`,
          count: 4,
        },
      ],
    },
  };
}
