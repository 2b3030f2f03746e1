import assert from "node:assert/strict";
import { test } from "node:test";
import { explainKiamFlags } from "../../../../src/operations/migrate/from-kiam/replaced-flags.ts";

test("explainKiamFlags() has a line for each flag that only kiam has", () => {
  assert.deepEqual(explainKiamFlags(["server", "--sync=1m", "--level=info", "--iptables"]), [
    "--sync is a flag of kiam: watches stay up to date without it; podrole_watch_age_seconds is their age",
    "--iptables is a flag of kiam: podrole intercepts nothing; block 169.254.169.254 by NetworkPolicy (docs/install.md)",
  ]);
  assert.deepEqual(explainKiamFlags(["server", "toString"]), []);
});
