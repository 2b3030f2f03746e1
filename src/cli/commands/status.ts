// podrole status. Exit codes: 0 each pod has what it needs, 1 one has not, a workload cannot create its pods or podrole
// is not installed, 2 usage, the cluster cannot be reached, or the rows may not be read.
import type { OperatorKubernetes } from "../../kubernetes/operator.ts";
import { notInstalledText } from "../../operations/installed.ts";
import { createServerQuestion } from "../../operations/state/ask-server.ts";
import type { Status } from "../../operations/status/model.ts";
import { isRowWell } from "../../operations/status/pod-rows.ts";
import { readStatus, type StatusDeps, type StatusOptions } from "../../operations/status/status.ts";
import { watchStatus } from "../../operations/status/watch.ts";
import { systemClock as clock } from "../../runtime/clock.ts";
import { readStatusArguments, type StatusArguments } from "../arguments/status.ts";
import { withPodrole } from "../cluster.ts";
import { screenText } from "../output/screen.ts";
import { statusNames, statusText } from "../output/status.ts";
import { createRowChanges } from "../output/status-changes.ts";
import { choosePaint } from "../output/style.ts";
import { jsonText } from "../output/text.ts";
import { yamlText } from "../output/yaml-text.ts";
import { createSlowProgress } from "../progress.ts";
import { type Action, type Terminal, writeNote, writeProblems } from "../terminal.ts";

/** Runs podrole status; the first of `args` is the topic. */
export const statusAction: Action = async (terminal, flags, args) => {
  const read = readStatusArguments(flags, args);
  if (!read.ok) return writeProblems(terminal, "status", read.problems);
  return withPodrole(terminal, "status", read.value, (kubernetes, podroleNamespace) =>
    showStatus(terminal, kubernetes, { ...read.value, podroleNamespace }),
  );
};

async function showStatus(
  terminal: Terminal,
  kubernetes: OperatorKubernetes,
  {
    topic,
    namespace,
    allNamespaces,
    labelSelector,
    podroleNamespace,
    output,
    isWatching,
  }: StatusArguments & {
    readonly podroleNamespace: string;
  },
): Promise<number> {
  const note = (text: string) => writeNote(terminal, "status", text);
  const progress = createSlowProgress({ clock }, terminal.isErrTerminal ? note : () => {});
  const askServer = createServerQuestion({ kubernetes }, { podroleNamespace });
  const deps: StatusDeps = { kubernetes, clock, askServer, progress: progress.step };
  const place = allNamespaces ? undefined : (namespace ?? kubernetes.contextNamespace);
  const options: StatusOptions = { topic, namespace: place, labelSelector, podroleNamespace };
  const result = await readStatus(deps, options);
  progress.end();
  if (!result.ok) return writeProblems(terminal, "status", [result.problem]);
  const status = result.value;
  if (status.installation.isAbsent && countRows(status) === 0 && output !== "json" && output !== "yaml") {
    note(notInstalledText(podroleNamespace));
    return 1;
  }
  const redraw = isWatching && canRedraw(terminal) ? redrawer(terminal, output) : undefined;
  if (redraw === undefined) terminal.out(FORMATS[output](status, choosePaint(terminal)));
  else redraw(status);
  if (!isWatching) return exitCodeOf(status);
  const onStatus = redraw ?? rowWriter(terminal, output, status);
  await watchStatus(deps, options, { interrupted: terminal.interrupted, onStatus });
  return 0;
}

/** A terminal without cursor control shows what a file gets. */
function canRedraw({ isTerminal, env, rows }: Terminal): boolean {
  return isTerminal && env["TERM"] !== "dumb" && (rows() ?? 0) > 0;
}

/** Shows each reading in the place of the one before; a reading that fails says so itself. */
function redrawer(terminal: Terminal, output: StatusArguments["output"]): (status: Status) => void {
  return (status) => {
    const text = FORMATS[output](status, choosePaint(terminal));
    terminal.out(screenText(text, { at: status.at, rows: terminal.rows() ?? 0 }));
  };
}

/** Appends each row that has changed, for a file or another program. */
function rowWriter(terminal: Terminal, output: StatusArguments["output"], first: Status): (status: Status) => void {
  const changes = createRowChanges(first, { isWide: output === "wide", paint: choosePaint(terminal) });
  let said = "";
  return (status) => {
    const problem = unreadRows(status);
    if (problem !== undefined && problem !== said) writeNote(terminal, "status", problem);
    said = problem ?? "";
    if (problem === undefined) for (const line of changes.linesOf(status)) terminal.out(`${line}\n`);
  };
}

const FORMATS: Readonly<
  Record<StatusArguments["output"], (status: Status, paint: ReturnType<typeof choosePaint>) => string>
> = {
  text: (status, paint) => statusText(status, { isWide: false, paint }),
  wide: (status, paint) => statusText(status, { isWide: true, paint }),
  json: (status) => jsonText(status),
  yaml: (status) => yamlText(status),
  name: (status) => statusNames(status),
};

function countRows({ topic, ...status }: Status): number {
  return status[topic]?.length ?? 0;
}

/** Why the rows themselves could not be read; undefined if only something about them is unknown. */
function unreadRows({ unknown }: Status): string | undefined {
  return unknown.find(({ what }) => what === "pods" || what === "the trust bundle")?.why;
}

function exitCodeOf(status: Status): number {
  const now = Date.parse(status.at);
  const isBlocked = status.blocked !== undefined && status.blocked.length > 0;
  if (status.installation.isAbsent || isBlocked || status.pods?.some((row) => !isRowWell(row, now))) return 1;
  return unreadRows(status) === undefined ? 0 : 2;
}
