// The start of a pod, as podrole-sidecar sees it: no app runs yet, because the postStart hook
// waits for credentials first.
// States: waiting → ready, or refused by something that only a person can change. Ready is for good, also over restarts
// of the container: a running app keeps its sidecar, whatever it is told later. Ended by the one who owns the process.
import { ERRORS, type Refusal } from "../protocol/errors.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { Keeper } from "./keeper.ts";
import { gaveUp, lastingRefusal } from "./lasting.ts";
import type { Renewal } from "./renewal.ts";
import type { Renewals } from "./renewals.ts";
import type { SidecarSettings } from "./settings.ts";

export interface Start {
  /** Resolves when waiting is of no use; never once the pod was ready. */
  readonly refused: Promise<Refusal>;
  /** What the pod waits for, for the one who ends it now; undefined: it was ready. */
  waitingFor(): Refusal | undefined;
  stop(): void;
}

export interface StartDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly keeper: Pick<Keeper, "ready" | "refusal">;
  readonly renewals: Pick<Renewals, "onEnd">;
}

const PROGRESS_EVERY_MS = 10_000;

export function createStart(
  { clock, log, keeper, renewals }: StartDeps,
  settings: Pick<SidecarSettings, "containers" | "podName" | "podNamespace">,
): Start {
  const refused = Promise.withResolvers<Refusal>();
  const startedAt = clock.now();
  let last: Refusal | undefined;
  let cancel = () => {};
  const forget = renewals.onEnd(hear);
  tick();

  function tick(): void {
    if (keeper.ready()) return stop();
    if (last) {
      const waitedSeconds = Math.round((clock.now() - startedAt) / 1000);
      const { code, message: reason } = last;
      log.info({ waitedSeconds, code, reason, remedy: ERRORS[code].remedy }, "waiting for credentials");
    }
    cancel = clock.schedule(tick, PROGRESS_EVERY_MS);
  }

  function hear(renewal: Renewal): void {
    if (keeper.ready()) return stop();
    if (renewal.outcome === "renewed") return;
    last = renewal;
    const words = settings.containers.map((container, index) => ({ container, refusal: keeper.refusal(index) }));
    const lasting = lastingRefusal(renewal, words);
    if (lasting === undefined) return;
    stop();
    refused.resolve(lasting);
  }

  function stop(): void {
    cancel();
    forget();
  }

  return {
    refused: refused.promise,
    waitingFor: () => (keeper.ready() ? undefined : gaveUp(last, "stopped while waiting", settings)),
    stop,
  };
}
