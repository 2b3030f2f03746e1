// The version, from package.json, which esbuild inlines into the bundles, and the metric that reports it.
import { version as nodeVersion } from "node:process";
import packageJson from "../../package.json" with { type: "json" };

/** podrole's version, such as "0.1.0". */
export const VERSION: string = packageJson.version;

/** The metric with which every program reports its version. */
export const BUILD_INFO = {
  type: "gauge",
  name: "podrole_build_info",
  help: "Always 1; the labels are the versions of podrole and of Node",
  labels: ["version", "node"],
} as const;

/** Returns the labels of this program's `podrole_build_info`. */
export function buildLabels(): { readonly version: string; readonly node: string } {
  return { version: VERSION, node: nodeVersion };
}
