// The renewal of a process that starts beside podrole-sidecar: the postStart hook, or podrole-init in a Guaranteed pod.
// In a new pod it calls the server before podrole-sidecar requests the renewal, because the serving process takes as
// long to start as the call does. It stores nothing before the request: podrole-sidecar alone decides which process
// renews, and may have started a child meanwhile. A pod that has been started before does not begin early:
// podrole-sidecar may have credentials already, or may wait between two attempts.
// States: none → running → none; a request that comes while a requested renewal runs gets the result of that one, so
// this process never runs two at a time, even if podrole-sidecar restarts in between.
import { existsSync } from "node:fs";
import { paceFile } from "../files/pace-file.ts";
import type { Renewal } from "./outcome.ts";

/**
 * Runs one renewal, which passes its log lines to `write` and, if there is a `mayStore`, stores nothing before that
 * resolves; never rejects.
 */
export type StartRenewal = (write: (line: string) => void, mayStore?: Promise<void>) => Promise<Renewal>;

/** Files that exist in the identity directory once a renewal of this pod has ended. */
const TRACES = ["identity.pem", "credentials.json"];

/** Returns a function that runs a renewal, or joins the one that runs. In a new pod, the first one begins now. */
export function createEarlyRenewal(
  start: StartRenewal,
  { identityDirectory }: { readonly identityDirectory: string },
): (write: (line: string) => void) => Promise<Renewal> {
  const permission = Promise.withResolvers<void>();
  let running: Promise<Renewal> | undefined;
  let lines: string[] = [];

  function begin(mayStore?: Promise<void>): Promise<Renewal> {
    lines = [];
    running = start((line) => lines.push(line), mayStore);
    return running;
  }

  const paths = [...TRACES.map((name) => `${identityDirectory}/${name}`), paceFile(identityDirectory)];
  if (!paths.some((path) => existsSync(path))) void begin(permission.promise);
  return async (write) => {
    permission.resolve();
    const renewal = await (running ?? begin());
    running = undefined;
    for (const line of lines.splice(0)) write(line);
    return renewal;
  };
}
