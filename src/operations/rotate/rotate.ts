// podrole rotate status|prepare|activate|retire: the operator's hand on podrole's CA. It reads and writes the Secret with
// the person's own rights and goes by the settings of the installed server. Exit codes: 0 done, 1 it would not be safe (or
// there is nothing to do), 2 the command line is wrong or the cluster cannot be reached.
import { ApiError } from "../../kubernetes/errors.ts";
import type { OperatorKubernetes } from "../../kubernetes/operator.ts";
import { type Authorities, type RotationVerb } from "../../pki/authorities.ts";
import { PodroleError } from "../../protocol/errors.ts";
import { type Clock, systemClock } from "../../runtime/clock.ts";
import { rotationOptions } from "../../server/trust/rotation-options.ts";
import type { ServerSettings } from "../../server/settings.ts";
import { connectAsPerson } from "../connection.ts";
import { type ConfigMap, type Deployment, readInstalled } from "../installed.ts";
import type { Action } from "../../cli/program.ts";
import type { Terminal } from "../../cli/terminal.ts";
import { statusOf, statusText } from "./status.ts";
import { readSlots, turn, type TurnOptions } from "./turn.ts";

export const rotate: Action = async (terminal, flags, [word]) => {
  try {
    const kubernetes = connectAsPerson(terminal, flags);
    try {
      return await run(terminal, { kubernetes, clock: systemClock }, word as RotationVerb | "status", flags);
    } finally {
      await kubernetes.close();
    }
  } catch (error) {
    if (!(error instanceof PodroleError)) throw error;
    terminal.err(`podrole rotate: ${error.message}\n`);
    // A Secret that is damaged is a no; an API that cannot be asked is not.
    return error instanceof ApiError || error.code === "KUBERNETES_UNAVAILABLE" ? 2 : 1;
  }
};

interface RotateDeps {
  readonly kubernetes: OperatorKubernetes;
  readonly clock: Clock;
}

async function run(
  terminal: Terminal,
  deps: RotateDeps,
  word: RotationVerb | "status",
  flags: Readonly<Record<string, string>>,
): Promise<number> {
  const settings = await serverSettings(deps.kubernetes, flags["namespace"] ?? "podrole");
  if (typeof settings === "string") return refuse(terminal, settings);
  if (settings.caCert !== undefined) {
    return refuse(terminal, "the CA is your own (--ca-cert): replace its files, the server follows them");
  }
  const force = flags["force"] === "true";
  const options: TurnOptions = {
    secret: settings.caSecret,
    trustConfigMap: settings.trustConfigMap,
    webhookConfiguration: settings.webhookConfiguration,
    rotation: { ...rotationOptions(settings), force },
  };
  const held = word === "status" ? await readSlots(deps, options) : await turn(word, deps, options);
  if (typeof held === "string") return refuse(terminal, word === "status" ? held : `cannot ${word}: ${held}`);
  if (word !== "status") terminal.err(`podrole rotate: ${DONE[word]}\n`);
  if (word !== "status" && force) terminal.err(`podrole rotate: ${FORCED[word]}\n`);
  tellStatus(terminal, "slots" in held ? held.slots : held, deps.clock.now(), options, flags["output"] === "json");
  return 0;
}

function tellStatus(
  { out }: Terminal,
  slots: Authorities,
  now: number,
  { rotation: { force: _once, ...rotation } }: TurnOptions,
  json: boolean,
): void {
  const status = statusOf(slots, now, rotation);
  out(json ? `${JSON.stringify(status, undefined, 2)}\n` : statusText(status, now));
}

const DONE: Readonly<Record<RotationVerb, string>> = {
  prepare: "a next CA is in the Secret; the servers publish it within a minute",
  activate: "the next CA signs as soon as each server has looked, within a minute",
  retire: "the previous CA is out of the Secret; the servers take it out of the bundle within a minute",
};

const FORCED: Readonly<Record<RotationVerb, string>> = {
  prepare: "a next CA that was there already is replaced",
  activate: "pods that have not heard of it cannot renew: restart those that do not recover",
  retire: "certificates that the previous CA signed are worth nothing any more: restart pods that do not recover",
};

function refuse({ err }: Terminal, message: string): number {
  err(`podrole rotate: ${message}\n`);
  return 1;
}

/** The installed server's, or the words why they are not known: with wrong ones a step that looks safe is not. */
async function serverSettings(kubernetes: OperatorKubernetes, namespace: string): Promise<ServerSettings | string> {
  const deployments = await kubernetes.listAll<Deployment>("deployments", { namespace });
  const configMaps = await kubernetes.listAll<ConfigMap>("configmaps", { namespace });
  const { server } = readInstalled(deployments, configMaps);
  if (server === undefined)
    return `no Deployment in namespace "${namespace}" runs the server, wanted podrole's own namespace (--namespace)`;
  return server.settings ?? `the server's settings cannot be used: ${server.problems.join("; ")}`;
}
