// What podrole status says of a role that a running pod names anew: whether its namespace permits it.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { createNamespacePermission } from "../../src/operations/namespace-permission.ts";
import { sightsByName } from "../../src/operations/namespace-sight.ts";
import { podRows } from "../../src/operations/status/pod-rows.ts";
import { isRefusal } from "../../src/protocol/errors.ts";
import { PLAN_SETTINGS } from "../injection/plan-settings.ts";
import { knownFact } from "./check/healthy.ts";
import { ARN, heldWith, READ_AT, seenWith } from "./status/pods.ts";

const sight = { name: "shop", isLabelled: true, labelled: undefined };
const annotations = { "iam.amazonaws.com/permitted": `${ARN}shop-(orders|mailer)` };
const namespaces = sightsByName([
  { ...sight, annotations },
  { ...sight, name: "unlabelled", isLabelled: false, annotations },
]);
const { policy } = PLAN_SETTINGS;
const asked = { namespace: "shop", pod: "orders", container: "app", role: `${ARN}shop-mailer` };

suite("createNamespacePermission()", () => {
  test("permits and refuses as webhook and server do", () => {
    const permission = createNamespacePermission(policy, namespaces);
    assert.deepEqual(permission(asked), { isPermitted: true });
    const refusal = permission({ ...asked, role: `${ARN}payroll` });
    assert.ok(isRefusal(refusal));
    assert.equal(refusal.code, "ROLE_FORBIDDEN");
    assert.match(refusal.message, /^Cannot give role \S+payroll to pod "shop\/orders" container "app": /);
  });

  test("says nothing where settings or namespace are unknown, or the namespace has no label", () => {
    assert.equal(createNamespacePermission(undefined, namespaces)(asked), undefined);
    for (const namespace of ["unlabelled", "other"]) {
      assert.equal(createNamespacePermission(policy, namespaces)({ ...asked, namespace }), undefined);
    }
  });
});

suite("podRows() of a pod whose role was changed", () => {
  const rowOf = (role: string, permission = createNamespacePermission(policy, namespaces)) => {
    const seen = knownFact([{ ...seenWith(), named: { "iam.amazonaws.com/role": `${ARN}${role}` } }]);
    const [row] = podRows({ now: Date.parse(READ_AT), seen, held: knownFact([heldWith()]), namespaces, permission });
    return row;
  };

  test("says that the namespace permits the role, that STS was not asked, and until when the present one is held", () => {
    const { recovery = "", furtherSteps = [] } = rowOf("shop-mailer") ?? {};
    assert.match(recovery, /; namespace shop permits it, and whether STS gives it was not tried: /);
    assert.match(recovery, /keeps \S+shop-orders until 2026-06-01T12:50:00Z, and has no credentials from then on$/);
    const trial = furtherSteps.find((step) => step.includes(" run orders-trial "));
    assert.match(
      trial ?? "",
      /--annotations=iam\.amazonaws\.com\/role=\S+shop-mailer .*tries whether STS gives the role/,
    );
  });

  test("says that the next renewal is refused if the namespace does not permit the role", () => {
    assert.match(rowOf("payroll")?.cause ?? "", /^its next renewal is refused: ROLE_FORBIDDEN: /);
  });

  test("promises no permission that is unknown", () => {
    const { recovery = "" } = rowOf("payroll", () => undefined) ?? {};
    assert.match(recovery, /\); whether STS gives it was not tried: /);
  });
});
