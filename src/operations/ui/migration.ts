// The migration from a predecessor for the page of podrole ui: what moved, what can move next, and what needs work.
import type { OperatorKubernetes } from "../../kubernetes/operator.ts";
import { type Known, readKnown } from "../known.ts";
import { migrate } from "../migrate/migrate.ts";
import type { WorkloadGroup } from "../migrate/report.ts";
import { type NamespaceMove, planWaves } from "../migrate/waves.ts";
import type { UiMigration, UiMove, UiRefusedWorkload } from "./model.ts";

/** More would be steps of hours each that nobody plans. */
const UI_WAVES = 4;
const MAX_MOVE_FINDINGS = 5;
const MAX_REFUSED = 100;

/** Does not throw ApiError. */
export async function readUiMigration(
  kubernetes: OperatorKubernetes,
  from: "kiam" | "kube2iam",
  namespace: string | undefined,
): Promise<Known<UiMigration>> {
  const deps = { readStdin: async () => "", onProgress: () => {} };
  const input = { from: "cluster", kubernetes, namespace } as const;
  const unset = { predecessorNamespace: undefined, kiamValuesFile: undefined, roleBaseArn: undefined };
  const read = await readKnown(() => migrate(deps, { from, input, ...unset, environment: {} }));
  if ("unknown" in read) return read;
  const { value: result } = read;
  if (!result.ok) return { unknown: result.problems.map(({ text }) => text).join("; "), needs: [] };
  const { report } = result.value;
  const { waves, postponed } = planWaves(report, UI_WAVES);
  const { pods, counts, moved, withoutRole, general, problems } = report;
  return {
    value: {
      report: { from, pods, counts, moved, withoutRole, general, problems },
      waves: waves.map((wave) => wave.map(uiMoveOf)),
      postponed: postponed.map(uiMoveOf),
      refused: report.groups
        .filter(({ verdict }) => verdict === "refused")
        .map(uiRefusedOf)
        .slice(0, MAX_REFUSED),
    },
  };
}

function uiMoveOf({ name, pods, risk, groups }: NamespaceMove): UiMove {
  return { name, pods, risk, findings: findingTexts(groups) };
}

function uiRefusedOf(group: WorkloadGroup): UiRefusedWorkload {
  const { namespace, kind, name, pods } = group;
  return { namespace, kind, name, pods, findings: findingTexts([group]) };
}

function findingTexts(groups: readonly WorkloadGroup[]): readonly string[] {
  const texts = groups.flatMap(({ findings }) => findings.map(({ text, todo }) => (todo ? `${text}: ${todo}` : text)));
  return [...new Set(texts)].slice(0, MAX_MOVE_FINDINGS);
}
