// The converted settings as values of podrole's Helm chart (manifests/chart): what both programs take stands under
// `settings`, the rest under the program's own.
import { stringify } from "yaml";
import type { Conversion } from "./conversion.ts";
import { visible } from "../../cli/output/visible.ts";

/** Values of the old chart that mean the same in podrole's: where the server runs, as whom, how often. */
export type ServerPlacement = Readonly<Record<string, unknown>>;

/** YAML; what could not be converted stands above it as comments. */
export function renderValues({ remarks, ...conversion }: Conversion, placement: ServerPlacement = {}): string {
  const comments = remarks.map((remark) => `# ${visible(remark)}\n`).join("");
  const values = chartValues(conversion, placement);
  return `${comments}${stringify(values, { lineWidth: 0, aliasDuplicateObjects: false })}`;
}

export function chartValues({ server, webhook }: Omit<Conversion, "remarks">, placement: ServerPlacement): object {
  const isShared = ([key, value]: readonly [string, string]) => server[key] === value && webhook[key] === value;
  const own = (settings: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(settings).filter((entry) => !isShared(entry)));
  const parts = {
    settings: Object.fromEntries(Object.entries(server).filter(isShared)),
    server: { settings: own(server), ...placement },
    webhook: { settings: own(webhook) },
  };
  return withoutEmpty(parts);
}

function withoutEmpty(parts: Readonly<Record<string, Readonly<Record<string, unknown>>>>): object {
  const filled = Object.entries(parts).map(([key, part]) => {
    const entries = Object.entries(part).filter(
      ([, value]) => Object.keys(value ?? {}).length > 0 || typeof value !== "object",
    );
    return [key, Object.fromEntries(entries)] as const;
  });
  return Object.fromEntries(filled.filter(([, part]) => Object.keys(part).length > 0));
}
