// Generates the tables of docs/sdk-conformance.md from the results that `npm run test:sdk -- --update` recorded.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { SCENARIOS, type Scenario, type SdkResults } from "../test/sdk/scenarios.ts";
import { markdownTable } from "./markdown-table.ts";

const RESULTS_FILE = fileURLToPath(new URL("../test/sdk/results.json", import.meta.url));

function readResults(): SdkResults {
  return JSON.parse(readFileSync(RESULTS_FILE, "utf8")) as SdkResults;
}

/** Returns a table with one row per SDK, and one numbered column per scenario. */
export function sdkOutcomes(): string {
  const { versions, titles, outcomes } = readResults();
  const scenarios = Object.keys(SCENARIOS);
  const rows = Object.entries(versions).map(([sdk, version]) =>
    [`${titles[sdk]} ${version}`].concat(scenarios.map((id) => outcomes[id]?.[sdk]?.outcome ?? "not run")),
  );
  return markdownTable(["client", ...scenarios.map((_, index) => String(index + 1))], rows);
}

/** Returns a table with the number of each scenario, its situation, and the reason for its outcomes. */
export function sdkScenarios(): string {
  const rows = Object.values(SCENARIOS).map(({ title, why }, index) => [String(index + 1), title, why]);
  return markdownTable(["number", "situation", "reason"], rows);
}

/** Returns the SDKs' own error messages, by scenario. */
export function sdkMessages(): string {
  const { titles, outcomes } = readResults();
  return (Object.entries(SCENARIOS) as [string, Scenario][])
    .filter(([, { expects }]) => expects !== "works")
    .map(([id, { title }]) => {
      const messages = Object.entries(outcomes[id] ?? {}).map(
        ([sdk, { reads }]) => `- ${titles[sdk]}: ${reads === undefined ? "works, no message" : `\`${reads}\``}`,
      );
      return `### ${title[0]?.toUpperCase()}${title.slice(1)}\n\n${messages.join("\n")}`;
    })
    .join("\n\n");
}
