// The tables of docs/sdk-conformance.md, from what `npm run test:sdk -- --update` wrote down.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Results, type Scenario, SCENARIOS } from "../test/sdk/scenarios.ts";

const FILE = fileURLToPath(new URL("../test/sdk/results.json", import.meta.url));

function read(): Results {
  return JSON.parse(readFileSync(FILE, "utf8")) as Results;
}

/** One row a scenario, one column an SDK. */
export function sdkOutcomes(table: (head: readonly string[], rows: readonly (readonly string[])[]) => string): string {
  const { versions, titles, outcomes } = read();
  const ids = Object.keys(versions);
  const rows = Object.entries(SCENARIOS).map(([id, { title, why }]) => {
    const done: readonly string[] = ids.map((sdk) => outcomes[id]?.[sdk]?.outcome ?? "not run");
    return done.concat(why).toSpliced(0, 0, title);
  });
  return table(["the app meets", ...ids.map((sdk) => `${titles[sdk]} ${versions[sdk]}`), "because"], rows);
}

/** What a person reads, by scenario: the SDK's own words. */
export function sdkWords(): string {
  const { titles, outcomes } = read();
  return (Object.entries(SCENARIOS) as [string, Scenario][])
    .filter(([, { expects }]) => expects !== "works")
    .map(([id, { title }]) => {
      const said = Object.entries(outcomes[id] ?? {}).map(([sdk, { reads }]) => `- ${titles[sdk]}: \`${reads}\``);
      return `### ${title[0]?.toUpperCase()}${title.slice(1)}\n\n${said.join("\n")}`;
    })
    .join("\n\n");
}
