// Every check, in the order of the output; docs/checks.md is generated from this table.
import { ACCESS } from "./access.ts";
import type { CheckTable } from "./finding.ts";
import { INSTALLATION } from "./installation.ts";
import { METADATA } from "./metadata.ts";
import { PREREQUISITES } from "./prerequisites.ts";
import { REGISTRATION } from "./registration.ts";
import { RUNNING } from "./running.ts";
import { TRUST } from "./trust.ts";
import { WORKLOADS } from "./workloads.ts";

export const CHECKS: CheckTable = {
  ...PREREQUISITES,
  ...ACCESS,
  ...INSTALLATION,
  ...TRUST,
  ...REGISTRATION,
  ...RUNNING,
  ...WORKLOADS,
  ...METADATA,
};
