// Runs podrole audit as main.ts does.
import { auditAction } from "../../../src/cli/commands/audit.ts";
import { linesOf } from "../../operations/audit/samples.ts";
import { createTerminal } from "../terminal.ts";

/** `podrole audit` with these records on standard input. */
export async function runAudit(
  args: readonly string[],
  flags: Readonly<Record<string, string>>,
  records: readonly (object | string)[] = [],
) {
  const terminal = createTerminal({ stdin: linesOf(records) });
  const exitCode = await auditAction(terminal, flags, args);
  const { out, err } = terminal.said;
  return { exitCode, out: out(), err: err(), json: () => JSON.parse(out()) as Record<string, unknown>[] };
}

/** The object in a field of a row; empty if there is none. */
export function partOf(row: Readonly<Record<string, unknown>> | undefined, key: string): Record<string, unknown> {
  return (row?.[key] ?? {}) as Record<string, unknown>;
}
