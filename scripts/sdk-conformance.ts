// Generates the tables of docs/sdk-conformance.md from the results that `npm run test:sdk -- --update` recorded.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { SCENARIOS, type Scenario, type SdkResults } from "../test/sdk/scenarios.ts";
import { markdownTable } from "./markdown-table.ts";

const RESULTS_FILE = fileURLToPath(new URL("../test/sdk/results.json", import.meta.url));

function readResults(): SdkResults {
  return JSON.parse(readFileSync(RESULTS_FILE, "utf8")) as SdkResults;
}

/** Returns a table with one row per scenario and one column per SDK. */
export function sdkOutcomes(): string {
  const { versions, titles, outcomes } = readResults();
  const ids = Object.keys(versions);
  const rows = Object.entries(SCENARIOS).map(([id, { title, why }]) => {
    const results: readonly string[] = ids.map((sdk) => outcomes[id]?.[sdk]?.outcome ?? "not run");
    return results.concat(why).toSpliced(0, 0, title);
  });
  return markdownTable(["situation", ...ids.map((sdk) => `${titles[sdk]} ${versions[sdk]}`), "reason"], rows);
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
