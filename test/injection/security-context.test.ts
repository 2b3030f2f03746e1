// What the pod sets for its own program does not apply to podrole's containers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { podroleSecurityContext } from "../../src/injection/security-context.ts";

const SETTINGS = { runAsUser: 65532, runAsGroup: 65532 };
const USUAL = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  runAsUser: 65532,
  runAsGroup: 65532,
  seccompProfile: { type: "RuntimeDefault" },
};

const cases: readonly (readonly [string, unknown, object])[] = [
  ["nothing", undefined, {}],
  ["null", null, {}],
  ["a user, a group and a seccomp profile of its own", { runAsUser: 0, seccompProfile: { type: "Unconfined" } }, {}],
  [
    "an AppArmor profile of its own",
    { appArmorProfile: { type: "Localhost", localhostProfile: "orders" } },
    { appArmorProfile: { type: "RuntimeDefault" } },
  ],
  ["the runtime's AppArmor profile", { appArmorProfile: { type: "RuntimeDefault" } }, {}],
  [
    "an SELinux type of its own",
    { seLinuxOptions: { type: "orders.process", level: "s0:c1,c2" } },
    { seLinuxOptions: { type: "container_t", level: "s0:c1,c2" } },
  ],
  ["an SELinux level alone, which podrole's volumes have too", { seLinuxOptions: { level: "s0:c1,c2" } }, {}],
];

for (const [what, securityContext, added] of cases) {
  test(`podroleSecurityContext() of a pod with ${what}`, () => {
    const pod = { metadata: {}, spec: { containers: [], securityContext } };
    assert.deepEqual(podroleSecurityContext(pod, SETTINGS), { ...USUAL, ...added });
  });
}
