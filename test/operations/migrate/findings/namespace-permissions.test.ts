import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { permissionChange, podrolePermits } from "../../../../src/operations/migrate/findings/namespace-permissions.ts";
import { createKiam, KIAM_DEFAULTS } from "../../../../src/operations/migrate/from-kiam/authorization.ts";
import { createKube2iam, KUBE2IAM_DEFAULTS } from "../../../../src/operations/migrate/from-kube2iam/authorization.ts";
import { PLAN_SETTINGS } from "../../../injection/plan-settings.ts";
import { EXPORT_BASE_ARN } from "../cluster-export.ts";

const PERMITTED = "iam.amazonaws.com/permitted";
const ALLOWED = "iam.amazonaws.com/allowed-roles";
const { policy } = PLAN_SETTINGS;

const namespace = (annotations: Record<string, string>) => ({ name: "shop", labels: {}, annotations, isKnown: true });
const requestedBy = (...names: string[]) => {
  const arns = names.map((name) => EXPORT_BASE_ARN + name);
  return { all: arns, byNamespace: new Map([["shop", new Map(arns.map((arn) => [arn, 1]))]]) };
};
const kiam = createKiam({ ...KIAM_DEFAULTS, baseArn: EXPORT_BASE_ARN });
const kube2iam = (format: "glob" | "regexp") =>
  createKube2iam({
    ...KUBE2IAM_DEFAULTS,
    baseArn: EXPORT_BASE_ARN,
    namespaceRestrictions: true,
    restrictionFormat: format,
  });

/** The annotations that a command sets. */
function annotationsOf(command: string): Record<string, string> {
  return Object.fromEntries(
    [...command.matchAll(/'([^'=]+)=([^']*)'/g)].map(([, name = "", value = ""]) => [name, value]),
  );
}

suite("permissionChange()", () => {
  test("finds that kube2iam's expressions permit longer names, and keeps the present patterns", () => {
    const regexp = { ...policy, allowedRolesFormat: "regexp" as const };
    const given = namespace({ [ALLOWED]: '["foo","bar.*"]' });
    const change = permissionChange(given, requestedBy("foo", "foobar", "bar-1"), kube2iam("regexp"), regexp);
    assert.deepEqual(change?.lost, [{ arn: `${EXPORT_BASE_ARN}foobar`, pods: 1 }]);
    const annotations = annotationsOf(change?.remedies[0]?.command ?? "");
    assert.deepEqual(annotations, { [ALLOWED]: '["foo","bar.*","foobar"]' });
    for (const name of ["foo", "foobar", "bar-1"]) {
      assert.ok(podrolePermits({ ...given, annotations }, EXPORT_BASE_ARN + name, regexp), name);
    }
  });

  test("finds that kube2iam's globs match across the parts of an ARN", () => {
    const given = namespace({ [ALLOWED]: '["arn:aws:iam::*:role/x"]' });
    const arn = "arn:aws:iam::666666666666:role/p:role/x";
    const all = { all: [arn], byNamespace: new Map([["shop", new Map([[arn, 2]])]]) };
    assert.deepEqual(permissionChange(given, all, kube2iam("glob"), policy)?.lost, [{ arn, pods: 2 }]);
  });

  test("extends both annotations if both must permit", () => {
    const given = namespace({ [PERMITTED]: `${EXPORT_BASE_ARN}a`, [ALLOWED]: '["a"]' });
    const change = permissionChange(
      given,
      requestedBy("a", "b"),
      createKube2iam({ ...KUBE2IAM_DEFAULTS, baseArn: EXPORT_BASE_ARN }),
      policy,
    );
    const annotations = annotationsOf(change?.remedies[0]?.command ?? "");
    assert.deepEqual(annotations, { [PERMITTED]: `${EXPORT_BASE_ARN}a|${EXPORT_BASE_ARN}b`, [ALLOWED]: '["a","b"]' });
  });

  test("finds a role that kiam's annotation permits and kube2iam's does not", () => {
    const given = namespace({ [PERMITTED]: ".*", [ALLOWED]: '["a"]' });
    assert.deepEqual(permissionChange(given, requestedBy("a", "b"), kiam, policy)?.lost, [
      { arn: `${EXPORT_BASE_ARN}b`, pods: 1 },
    ]);
  });

  test("finds roles that podrole permits and kiam does not", () => {
    // kiam does not read this annotation.
    const given = namespace({ [ALLOWED]: '["a"]' });
    assert.deepEqual(permissionChange(given, requestedBy("a", "b"), kiam, policy)?.gained, [
      { arn: `${EXPORT_BASE_ARN}a`, pods: 1 },
    ]);
  });

  test("returns undefined if both permit the same", () => {
    assert.equal(
      permissionChange(namespace({ [PERMITTED]: `${EXPORT_BASE_ARN}a` }), requestedBy("a", "b"), kiam, policy),
      undefined,
    );
    assert.equal(permissionChange(namespace({}), requestedBy("a"), kiam, policy), undefined);
  });

  test("names kiam 3 for an expression that matches names only if the cluster runs kiam", () => {
    const given = namespace({ [PERMITTED]: "a" });
    const [byKiam, byKube2iam] = [kiam, kube2iam("glob")].map((system) => {
      const change = permissionChange(given, requestedBy("a"), system, policy);
      assert.deepEqual(change?.byName, [{ arn: `${EXPORT_BASE_ARN}a`, pods: 1 }]);
      return change.remedies.map(({ why }) => why);
    });
    assert.deepEqual(byKiam, ["match role names, as kiam 3 did"]);
    assert.deepEqual(byKube2iam, ["match role names instead of ARNs"]);
  });

  test("offers no remedy that would not help", () => {
    const given = namespace({ [PERMITTED]: `${EXPORT_BASE_ARN}a|(${EXPORT_BASE_ARN}b` });
    const open = createKube2iam({ ...KUBE2IAM_DEFAULTS, baseArn: EXPORT_BASE_ARN });
    assert.deepEqual(permissionChange(given, requestedBy("b"), open, policy)?.remedies, []);
  });

  test("quotes characters that are special in an expression", () => {
    const change = permissionChange(
      namespace({ [PERMITTED]: "x" }),
      requestedBy("a.b+c"),
      createKube2iam({ ...KUBE2IAM_DEFAULTS, baseArn: EXPORT_BASE_ARN }),
      policy,
    );
    const annotations = annotationsOf(change?.remedies[0]?.command ?? "");
    assert.ok(podrolePermits({ name: "shop", annotations }, `${EXPORT_BASE_ARN}a.b+c`, policy));
    assert.ok(!podrolePermits({ name: "shop", annotations }, `${EXPORT_BASE_ARN}aXb+c`, policy));
  });
});
