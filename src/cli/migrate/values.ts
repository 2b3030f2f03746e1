// The converted settings as values of podrole's Helm chart (manifests/chart).
import { stringify } from "yaml";
import type { Conversion } from "./conversion.ts";
import { visible } from "./text.ts";

/** YAML; what could not be converted stands above it as comments. */
export function renderValues({ server, webhook, remarks }: Conversion): string {
  const comments = remarks.map((remark) => `# ${visible(remark)}\n`).join("");
  const values = { server: { settings: server }, webhook: { settings: webhook } };
  return `${comments}${stringify(values, { lineWidth: 0, aliasDuplicateObjects: false })}`;
}
