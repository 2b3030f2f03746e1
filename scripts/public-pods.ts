// Generates the table of docs/platforms.md about pods of public charts from the results that
// `node test/cluster/control-plane.ts --pods FOLDER --publish` recorded.
import { publicPodResults } from "../test/cluster/public-pods/results.ts";
import { markdownTable } from "./markdown-table.ts";

/** Returns `owner/name` as a link to the files: "owner+name@commit" is the name of a folder. */
function linkOf(source: string): string {
  const [repository = "", commit] = source.replace("+", "/").split("@");
  return commit === undefined ? repository : `[${repository}](https://github.com/${repository}/tree/${commit})`;
}

/** Returns the figures of the published run, or a sentence if there is none. */
export function publicPods(): string {
  const found = publicPodResults.find();
  if (found === undefined) return "No run has been published yet.";
  const { date, commit, sources, files, textPods, pods, injected, skipped, invalid, toBurstable } = found;
  const rows: readonly (readonly [string, number])[] = [
    ["pod templates, each created as a pod", pods],
    ["refused by Kubernetes without podrole too", invalid],
    ["not injected, with the reason, and otherwise as without podrole", skipped],
    ["injected by the webhook, and valid; uninjected, they equal the pods without podrole", injected],
    ["of these, Burstable instead of BestEffort; all others keep their class", toBurstable],
    ["meet PodSecurity `restricted`, with podrole and without", found.restricted],
    ["meet `baseline`, and not `restricted`, with podrole and without", found.baseline],
    ["need `privileged`, with podrole and without", found.privileged],
    ["files that `podrole uninject` restores byte for byte", files],
    ["pods in them that `podrole inject` injects, and Kubernetes accepts", textPods],
  ];
  return [
    markdownTable(
      ["what", "how many"],
      rows.map(([what, count]) => [what, String(count)]),
    ),
    `Measured on ${date}, commit ${commit}, with files of ${sources.map(linkOf).join(", ")}.`,
  ].join("\n\n");
}
