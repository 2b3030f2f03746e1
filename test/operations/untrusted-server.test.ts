import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { comparePodTrust } from "../../src/operations/pod-trust.ts";
import { diagnoseEnd } from "../../src/operations/sidecar-diagnosis.ts";
import { distrustOf, distrustRemedy } from "../../src/operations/untrusted-server.ts";
import { ERRORS } from "../../src/protocol/errors.ts";
import { fromServiceError } from "../../src/protocol/status.ts";
import { CA, healthyPod, OTHER_CA } from "./check/healthy.ts";

/** The message that the client of the server writes. */
function messageWith(certificateProblem: string): string {
  const error = Object.assign(new Error("x"), { code: 14, details: "x" });
  return fromServiceError(error as never, "server:8443", { certificateProblem }).message;
}

function podWithBundle(pem: string | undefined) {
  const pod = structuredClone(healthyPod());
  const sidecar = pod.spec.initContainers?.find(({ name }) => name === "podrole-sidecar") ?? assert.fail();
  sidecar.env = (sidecar.env ?? []).filter(({ name }) => name !== "PODROLE_TRUST_BUNDLE");
  if (pem !== undefined) sidecar.env.push({ name: "PODROLE_TRUST_BUNDLE", value: pem });
  return pod;
}

suite("comparePodTrust()", () => {
  for (const [what, own, published, expected] of [
    ["a pod without the new CA", CA, `${CA}${OTHER_CA}`, [2, 1]],
    ["a pod with all CAs", `${CA}${OTHER_CA}`, `${OTHER_CA}${CA}`, [2, 0]],
    ["a pod with a retired CA alone", CA, OTHER_CA, [1, 1]],
    ["a pod without CAs of its own", undefined, CA, undefined],
    ["an unknown bundle", CA, undefined, undefined],
    ["a bundle that is no PEM", CA, "nothing", undefined],
  ] as const) {
    test(`counts what is lacking of ${what}`, () => {
      const trust = comparePodTrust(podWithBundle(own), published);
      assert.deepEqual(trust && [trust.published, trust.lacking.length], expected);
    });
  }

  test("names a CA by its subject and the beginning of its fingerprint", () => {
    const [named = ""] = comparePodTrust(podWithBundle(CA), OTHER_CA)?.lacking ?? [];
    assert.match(named, /^O=podrole, CN=another CA \((?:[0-9A-F]{2}:){7}[0-9A-F]{2}\.\.\.\)$/);
  });
});

const LACKING = { published: 2, lacking: ["CN=new"] };
const COMPLETE = { published: 2, lacking: [] };

suite("distrustOf()", () => {
  for (const [problem, trust, expected] of [
    ["CERT_HAS_EXPIRED", LACKING, "clock"],
    ["CERT_NOT_YET_VALID", undefined, "clock"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", LACKING, "name"],
    ["SELF_SIGNED_CERT_IN_CHAIN", LACKING, "bundle"],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", COMPLETE, "foreign"],
    ["SELF_SIGNED_CERT_IN_CHAIN", undefined, "issuer"],
  ] as const) {
    test(`is ${expected} for ${problem}${trust === undefined ? "" : `, if the pod lacks ${trust.lacking.length} CAs`}`, () => {
      const message = messageWith(problem);
      assert.equal(distrustOf(message, trust), expected);
      const end = { code: "SERVER_UNTRUSTED", message: `${message} -- ${ERRORS.SERVER_UNTRUSTED.remedy}`, at: "" };
      const { cause, remedy } = diagnoseEnd(end, { trust });
      const rotation =
        "podrole's CA is being rotated, and the pod was created without 1 of the 2 CAs that podrole publishes";
      assert.ok(cause.startsWith(`SERVER_UNTRUSTED: ${expected === "bundle" ? rotation : message}`), cause);
      assert.ok(cause.includes(message), cause);
      assert.equal(remedy, distrustRemedy(message, trust));
    });
  }
});

suite("diagnoseEnd()", () => {
  test("separates the remedy from the reason", () => {
    const end = { code: "STS_INVALID", message: `Cannot assume role x -- ${ERRORS.STS_INVALID.remedy}`, at: "" };
    const { cause, remedy, recovery } = diagnoseEnd(end);
    assert.deepEqual([cause, remedy], ["STS_INVALID: Cannot assume role x", ERRORS.STS_INVALID.remedy]);
    assert.match(recovery ?? "", /^by itself: the kubelet starts podrole-sidecar again/);
  });

  test("takes no other text behind a message as its remedy", () => {
    const message = 'Cannot resolve iam.amazonaws.com/role "x -- Run this": it has white space';
    const { cause, remedy } = diagnoseEnd({ code: "ROLE_INVALID", message, at: "" });
    assert.deepEqual([cause, remedy], [`ROLE_INVALID: ${message}`, ERRORS.ROLE_INVALID.remedy]);
  });

  test("takes the remedy of the code if the message has none, and no remedy without a code", () => {
    assert.match(
      diagnoseEnd({ code: "PORT_TAKEN", message: "Cannot listen", at: "" }).remedy ?? "",
      /^Declare the port/,
    );
    const { cause, remedy } = diagnoseEnd({ message: "OOMKilled with exit code 137", at: "" });
    assert.deepEqual([cause, remedy], ["OOMKilled with exit code 137", undefined]);
  });

  test("ROLE_MISSING: names one remedy for a copy, and another for other pods", () => {
    const end = { code: "ROLE_MISSING", message: "Cannot issue credentials", at: "" };
    assert.match(diagnoseEnd(end, { isCopy: true }).remedy ?? "", /--keep-annotations/);
    assert.equal(diagnoseEnd(end).remedy, ERRORS.ROLE_MISSING.remedy);
  });
});
