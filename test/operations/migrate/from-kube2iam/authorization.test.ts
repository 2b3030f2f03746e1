import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Pod } from "../../../../src/kubernetes/objects.ts";
import {
  createKube2iam,
  KUBE2IAM_DEFAULTS,
  type Kube2iamSettings,
  kube2iamSessionName,
  resolveByKube2iam,
} from "../../../../src/operations/migrate/from-kube2iam/authorization.ts";
import { EXPORT_BASE_ARN } from "../cluster-export.ts";

const pod = (annotations: Record<string, string>, more: Partial<Pod["spec"]> = {}): Pod => ({
  metadata: { name: "web", annotations },
  spec: { containers: [{ name: "app" }], ...more },
  status: { podIP: "10.0.0.1" },
});
const namespace = (allowed?: string) => ({
  name: "shop",
  labels: {},
  annotations: allowed === undefined ? {} : { "iam.amazonaws.com/allowed-roles": allowed },
  isKnown: true,
});
const kube2iam = (changes: Partial<Kube2iamSettings> = {}) =>
  createKube2iam({ ...KUBE2IAM_DEFAULTS, baseArn: EXPORT_BASE_ARN, ...changes });

suite("resolveByKube2iam()", () => {
  for (const [text, arn] of [
    ["web", `${EXPORT_BASE_ARN}web`],
    // A leading slash is kept; kiam drops one.
    ["/web", `${EXPORT_BASE_ARN}/web`],
    ["ARN:aws:iam::1:role/x", "ARN:aws:iam::1:role/x"],
  ] as const) {
    test(`returns ${arn} for ${text}`, () => assert.equal(resolveByKube2iam(text, EXPORT_BASE_ARN), arn));
  }
});

suite("createKube2iam().permits()", () => {
  test("permits everything without --namespace-restrictions", () => {
    assert.equal(kube2iam().permits(namespace(), `${EXPORT_BASE_ARN}anything`), true);
    assert.equal(kube2iam().permits(namespace("[]"), `${EXPORT_BASE_ARN}anything`), true);
  });

  for (const [format, allowed, arn, expected] of [
    ["glob", '["shop-*"]', `${EXPORT_BASE_ARN}shop-a`, true],
    ["glob", '["shop-*"]', `${EXPORT_BASE_ARN}other`, false],
    ["glob", '["shop"]', `${EXPORT_BASE_ARN}shop-a`, false],
    ["glob", '["arn:aws:iam::999999999999:role/*"]', "arn:aws:iam::999999999999:role/x", true],
    // "*" matches across the parts of an ARN.
    ["glob", '["arn:aws:iam::*:role/x"]', "arn:aws:iam::6:role/p:role/x", true],
    // Not anchored: the base ARN is prepended, nothing is appended.
    ["regexp", '["foo"]', `${EXPORT_BASE_ARN}foobar`, true],
    ["regexp", '["foo$"]', `${EXPORT_BASE_ARN}foobar`, false],
    ["regexp", '["^arn:aws:iam::123456789012:role/x$"]', `${EXPORT_BASE_ARN}x`, false],
    ["regexp", '["("]', `${EXPORT_BASE_ARN}x`, false],
    ["glob", "not json", `${EXPORT_BASE_ARN}x`, false],
    ["glob", '{"a":1}', `${EXPORT_BASE_ARN}x`, false],
    ["glob", "", `${EXPORT_BASE_ARN}x`, false],
  ] as const) {
    test(`returns ${expected} for ${arn} with ${format} ${allowed || "(empty)"}`, () => {
      const system = kube2iam({ namespaceRestrictions: true, restrictionFormat: format });
      assert.equal(system.permits(namespace(allowed), arn), expected);
    });
  }

  test("exempts the default role from every restriction", () => {
    const system = kube2iam({ namespaceRestrictions: true, defaultRole: "usual" });
    assert.equal(system.permits(namespace(), `${EXPORT_BASE_ARN}usual`), true);
    assert.equal(system.permits(namespace(), `${EXPORT_BASE_ARN}other`), false);
  });
});

suite("createKube2iam().outcomeOf()", () => {
  test("grants the role that the pod names, or the default role", () => {
    const system = kube2iam({ defaultRole: "usual" });
    const arns = [pod({ "iam.amazonaws.com/role": "web" }), pod({})].map((each) => {
      const before = system.outcomeOf(each, namespace());
      return before.kind === "granted" ? before.arn : before.kind;
    });
    assert.deepEqual(arns, [`${EXPORT_BASE_ARN}web`, `${EXPORT_BASE_ARN}usual`]);
  });

  test("grants no default role to a hostNetwork pod, or if there is no default role", () => {
    assert.equal(
      kube2iam({ defaultRole: "usual" }).outcomeOf(pod({}, { hostNetwork: true }), namespace()).kind,
      "none",
    );
    assert.equal(kube2iam().outcomeOf(pod({}), namespace()).kind, "none");
  });

  test("reads the annotations that its flags name", () => {
    const system = kube2iam({ roleKey: "example.com/role", externalIdKey: "example.com/id" });
    const named = pod({ "example.com/role": "web", "example.com/id": "4711" });
    const before = system.outcomeOf(named, namespace());
    assert.ok(before.kind === "granted");
    assert.deepEqual([before.arn, before.externalId], [`${EXPORT_BASE_ARN}web`, "4711"]);
    assert.equal(system.outcomeOf(pod({ "iam.amazonaws.com/role": "web" }), namespace()).kind, "none");
  });

  test("returns denied for what the namespace or STS refuses", () => {
    const strict = kube2iam({ namespaceRestrictions: true });
    assert.equal(strict.outcomeOf(pod({ "iam.amazonaws.com/role": "web" }), namespace()).kind, "denied");
    assert.equal(kube2iam().outcomeOf(pod({ "iam.amazonaws.com/role": "arn:foo" }), namespace()).kind, "denied");
  });
});

suite("kube2iamSessionName()", () => {
  test("is the FNV-1a hash of the address and the role's name, at most 64 characters", () => {
    // FNV-1a of "a" and "foobar", from the authors' test vectors (draft-eastlake-fnv).
    assert.equal(kube2iamSessionName("a", `${EXPORT_BASE_ARN}web`), "e40c292c-web");
    assert.equal(kube2iamSessionName("foobar", `${EXPORT_BASE_ARN}p/web`), "bf9cf968-web");
    assert.equal(kube2iamSessionName("a", `${EXPORT_BASE_ARN}${"r".repeat(64)}`).length, 64);
  });
});
