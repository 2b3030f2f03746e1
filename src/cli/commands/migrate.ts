// podrole migrate. Exit codes: 0 no pod needs work (also for -o values), 1 some do, 2 usage, or the input cannot be
// read.
import { migrate } from "../../operations/migrate/migrate.ts";
import type { PredecessorInstallation } from "../../operations/migrate/predecessor/installation.ts";
import type { MigrationReport } from "../../operations/migrate/report.ts";
import { planWaves } from "../../operations/migrate/waves.ts";
import { type MigrateArguments, readMigrate, type Topic } from "../arguments/migrate.ts";
import { withMigrationInput } from "../migration-input.ts";
import { formatData, migrationProblemText, reportText, valuesYaml } from "../output/migrate.ts";
import { wavesScript } from "../output/waves.ts";
import { type Action, type Flags, type Terminal, writeProblems } from "../terminal.ts";
import { runDeparture } from "./departure.ts";

/** commander has checked the topic. */
export const migrateAction: Action = async (terminal, flags, [name]) => {
  const topic = name as Topic;
  if (topic === "irsa" || topic === "pod-identity") return runDeparture(terminal, flags, topic);
  return migrateFrom(terminal, flags, topic);
};

async function migrateFrom(terminal: Terminal, flags: Flags, from: "kiam" | "kube2iam"): Promise<number> {
  const read = readMigrate(flags);
  if (!read.ok) return writeProblems(terminal, `migrate ${from}`, read.problems);
  const { kiamValuesFile, predecessorNamespace, roleBaseArn, output } = read.value;
  return withMigrationInput(terminal, from, read.value.input, async (deps, input) => {
    const environment = terminal.env;
    const options = { from, input, kiamValuesFile, predecessorNamespace, roleBaseArn, environment };
    const result = await migrate(deps, options);
    if (!result.ok) return writeProblems(terminal, `migrate ${from}`, result.problems.map(migrationProblemText));
    const { report, installation } = result.value;
    terminal.out(renderReport(report, installation, read.value));
    // Values are settings: they do not depend on what the pods need.
    return output !== "values" && report.counts.needsWork + report.counts.refused > 0 ? 1 : 0;
  });
}

function renderReport(
  report: MigrationReport,
  installation: PredecessorInstallation,
  { output, waves }: MigrateArguments,
): string {
  switch (output) {
    case "values":
      return valuesYaml(installation);
    case "json":
    case "yaml":
      return formatData({ ...report, settings: installation.conversion }, output);
    case "text":
      return waves === undefined ? reportText(report, installation) : wavesScript(planWaves(report, waves));
  }
}
