// The metric that reports the versions.
import { version as nodeVersion } from "node:process";
import { VERSION } from "./version.ts";

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
