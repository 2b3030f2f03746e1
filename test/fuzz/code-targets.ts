// Every code target.
import type { FuzzTarget } from "./target.ts";
import { ADMISSION_TARGETS } from "./targets/admission.ts";
import { FILE_TARGETS } from "./targets/files.ts";
import { PKI_TARGETS } from "./targets/pki.ts";
import { POLICY_TARGETS } from "./targets/policy.ts";
import { SETTINGS_TARGETS } from "./targets/settings.ts";
import { TOKEN_TARGETS } from "./targets/tokens.ts";

export const CODE_TARGETS: readonly FuzzTarget[] = [
  ...SETTINGS_TARGETS,
  ...POLICY_TARGETS,
  ...PKI_TARGETS,
  ...TOKEN_TARGETS,
  ...ADMISSION_TARGETS,
  ...FILE_TARGETS,
];
