// The first renewal of a pod, in the process of the postStart hook: the kubelet starts that process anyway, and a child
// of podrole-sidecar would be a third one. Hook and sidecar meet at a Unix socket in the identity directory, which only
// podrole's containers mount. The socket exists while the sidecar waits for a hook. The end of the connection ends the
// lease of the renewal, so there are never two renewals at a time, whichever process dies.
// States of the sidecar's side: waiting for a hook → renewing → ended, by the hook's answer, the end of its connection,
// the deadline, or the signal; or waiting → ended without a renewal, because no hook came.
// States of the hook's side: connecting → no sidecar waits, or renewing → answered, or abandoned by the sidecar.
import { rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { decodeRenewal, encodeRenewal, failedRenewal, type Renewal } from "./outcome.ts";

/** What the sidecar's side talks to. `write` receives each log line of the hook unchanged. */
export interface HookRenewalDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly write: (line: string) => void;
}

/** Milliseconds that a hook has to connect, and then to answer. */
export interface HookRenewalOptions {
  readonly identityDirectory: string;
  readonly connectMs: number;
  readonly deadlineMs: number;
}

const HOOK_REQUEST = "renew\n";

/** Upper bound on a hook's answer in characters; anything longer is no answer. */
const MAX_HOOK_ANSWER_LENGTH = 64 * 1024;

function socketPath(identityDirectory: string): string {
  return `${identityDirectory}/hook.sock`;
}

/**
 * Returns a function that has one renewal done by the hook; it resolves with undefined if no hook connects in time or
 * the socket cannot be opened, and never rejects.
 */
export function createHookRenewal(
  { clock, log, write }: HookRenewalDeps,
  { identityDirectory, connectMs, deadlineMs }: HookRenewalOptions,
): (signal: AbortSignal) => Promise<Renewal | undefined> {
  function renewIn(hook: Socket, signal: AbortSignal): Promise<Renewal> {
    return new Promise((resolve) => {
      let answer = "";
      const cut = () => hook.destroy();
      const cancel = clock.schedule(cut, deadlineMs);
      signal.addEventListener("abort", cut, { once: true });
      if (signal.aborted) cut();
      hook.setEncoding("utf8").on("data", (text: string) => {
        answer += text;
        if (answer.length > MAX_HOOK_ANSWER_LENGTH) cut();
      });
      hook.on("error", () => {});
      hook.once("close", () => {
        cancel();
        signal.removeEventListener("abort", cut);
        const lines = answer.split("\n").filter((line) => line !== "");
        const renewal = decodeRenewal(lines.at(-1) ?? "");
        for (const line of renewal ? lines.slice(0, -1) : []) write(`${line}\n`);
        // NOT_READY, because the next renewal may well succeed.
        const message = "Cannot renew credentials: the postStart hook ended before its renewal had";
        resolve(renewal ?? failedRenewal({ code: "NOT_READY", message }));
      });
      hook.write(HOOK_REQUEST);
    });
  }

  return (signal) =>
    new Promise((resolve) => {
      const path = socketPath(identityDirectory);
      let isOver = false;
      const server = createServer((hook) => {
        if (isOver) return void hook.destroy();
        end(renewIn(hook, signal));
      });
      const giveUp = () => end(undefined);
      const cancel = clock.schedule(giveUp, connectMs);
      signal.addEventListener("abort", giveUp, { once: true });

      function end(result: Promise<Renewal> | undefined): void {
        if (isOver) return;
        isOver = true;
        cancel();
        signal.removeEventListener("abort", giveUp);
        server.close();
        resolve(result);
      }

      server.on("error", (err) => {
        log.warn({ err }, "cannot open the socket for the postStart hook");
        giveUp();
      });
      try {
        // A killed sidecar leaves its socket behind.
        rmSync(path, { force: true });
      } catch (err) {
        log.warn({ err }, "cannot remove the socket of an earlier start");
      }
      server.listen(path);
      if (signal.aborted) giveUp();
    });
}

/** How an offer ended: see the states at the top of this file. */
export type OfferOutcome = "unwanted" | "renewed" | "abandoned";

/** What the hook's side talks to. `renew` runs one renewal, passes its log lines to `write`, and never rejects. */
export interface OfferDeps {
  readonly renew: (write: (line: string) => void) => Promise<Renewal>;
  readonly signal: AbortSignal;
}

/** Offers one renewal to the sidecar that may wait for it; never rejects. */
export function offerRenewal(
  { renew, signal }: OfferDeps,
  { identityDirectory }: { readonly identityDirectory: string },
): Promise<OfferOutcome> {
  return new Promise((resolve) => {
    const socket = connect({ path: socketPath(identityDirectory) });
    const cut = () => socket.destroy();
    let outcome: OfferOutcome = "unwanted";
    signal.addEventListener("abort", cut, { once: true });
    socket.on("error", () => {});
    socket.once("data", () => {
      outcome = "abandoned";
      const lines: string[] = [];
      void renew((line) => lines.push(line)).then((renewal) => {
        if (!socket.writable) return;
        outcome = "renewed";
        socket.end(`${lines.join("")}${encodeRenewal(renewal)}\n`);
      });
    });
    socket.once("close", () => {
      signal.removeEventListener("abort", cut);
      resolve(outcome);
    });
  });
}
