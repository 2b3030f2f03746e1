// The renewal of a process that starts beside podrole-sidecar: the postStart hook, or podrole-init in a Guaranteed pod.
// In a new pod it begins before podrole-sidecar requests it, because the serving process takes as long to start as the
// renewal does. A pod that has been started before does not begin early: podrole-sidecar may have credentials already,
// or may wait between two attempts.
// States: none → running → none; a request that comes while a renewal runs gets the result of that one, so this
// process never runs two at a time, even if podrole-sidecar restarts in between.
import { existsSync } from "node:fs";
import { paceFile } from "../files/pace-file.ts";
import type { Renewal } from "./outcome.ts";

/** Runs one renewal and passes its log lines to `write`; never rejects. */
export type RunRenewal = (write: (line: string) => void) => Promise<Renewal>;

/** Files that exist in the identity directory once a renewal of this pod has ended. */
const TRACES = ["identity.pem", "credentials.json"];

/** Returns a function that runs a renewal, or joins the one that runs. In a new pod, the first one begins now. */
export function createEarlyRenewal(
  run: RunRenewal,
  { identityDirectory }: { readonly identityDirectory: string },
): RunRenewal {
  let running: Promise<Renewal> | undefined;
  let lines: string[] = [];

  function begin(): Promise<Renewal> {
    lines = [];
    const renewal = run((line) => lines.push(line));
    running = renewal;
    return renewal;
  }

  const isNew = [...TRACES.map((name) => `${identityDirectory}/${name}`), paceFile(identityDirectory)].every(
    (path) => !existsSync(path),
  );
  if (isNew) void begin();
  return async (write) => {
    const renewal = await (running ?? begin());
    running = undefined;
    for (const line of lines.splice(0)) write(line);
    return renewal;
  };
}
