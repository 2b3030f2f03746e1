// Pod certificates for an installation that has none: the rights and the policy of the component, and the server's
// setting.
import assert from "node:assert/strict";
import { join } from "node:path";
import { until } from "../../../../emulators/until.ts";
import { ROOT } from "../../../files.ts";
import type { Kubectl } from "../../kubectl.ts";

const OBJECTS = join(ROOT, "manifests/components/pod-certificates/objects.yaml");

/** Lets the server sign pod certificates. `renewal`: --pod-certificate-renewal. */
export async function installSigner(kubectl: Kubectl, renewal?: string): Promise<void> {
  await kubectl.ok(["apply", "-f", OBJECTS]);
  const renewals = renewal === undefined ? [] : [`PODROLE_POD_CERTIFICATE_RENEWAL=${renewal}`];
  await setServer(kubectl, ["PODROLE_POD_CERTIFICATES=on", ...renewals]);
}

/** Restores the installation. */
export async function uninstallSigner(kubectl: Kubectl): Promise<void> {
  await setServer(kubectl, ["PODROLE_POD_CERTIFICATES-", "PODROLE_POD_CERTIFICATE_RENEWAL-"]);
  await kubectl.ok(["delete", "-f", OBJECTS]);
  await kubectl.ok(["delete", "clustertrustbundle", "podrole.io:pod:trust", "--ignore-not-found"]);
}

/** Runs `act` while the server lacks the right to sign, and without it the API server accepts no answer. */
export async function withoutRightToSign<Result>(kubectl: Kubectl, act: () => Promise<Result>): Promise<Result> {
  const role = ["clusterrole", "podrole-pod-certificates"];
  const { rules } = JSON.parse(await kubectl.ok(["get", ...role, "-o", "json"])) as ClusterRole;
  const others = rules.filter(({ resources }) => !resources.includes("signers"));
  assert.equal(others.length, rules.length - 1);
  await kubectl.ok(["patch", ...role, "--type=merge", "--patch", JSON.stringify({ rules: others })]);
  try {
    await untilItMaySign(kubectl, false);
    return await act();
  } finally {
    await kubectl.ok(["apply", "-f", OBJECTS]);
    await untilItMaySign(kubectl, true);
  }
}

const POLICY = ["validatingadmissionpolicybinding", "podrole-pod-certificates"];

/** Runs `act` while podrole's policy binds nobody: whom RBAC permits may make requests for podrole's signer then. */
export async function withoutPolicy<Result>(kubectl: Kubectl, act: () => Promise<Result>): Promise<Result> {
  await kubectl.ok(["delete", ...POLICY]);
  try {
    return await act();
  } finally {
    await kubectl.ok(["apply", "-f", OBJECTS]);
  }
}

interface ClusterRole {
  readonly rules: readonly { readonly resources: readonly string[] }[];
}

/** Each look starts a process, on a busy machine. */
const SLOWLY = { timeoutMs: 120_000, intervalMs: 500 };

/** The API server notices a change of rights a moment later. */
async function untilItMaySign(kubectl: Kubectl, expected: boolean): Promise<void> {
  const review = JSON.stringify({
    apiVersion: "authorization.k8s.io/v1",
    kind: "SubjectAccessReview",
    spec: {
      user: "system:serviceaccount:podrole:podrole-server",
      resourceAttributes: { group: "certificates.k8s.io", resource: "signers", name: "podrole.io/pod", verb: "sign" },
    },
  });
  await until(
    async () => {
      // On a busy machine kubectl may not get an answer in time.
      const { code, out } = await kubectl.run(["create", "-o", "json", "-f", "-"], review);
      return code === 0 && (JSON.parse(out) as AccessReview).status.allowed === expected;
    },
    `${expected ? "the" : "no"} right to sign`,
    SLOWLY,
  );
}

interface AccessReview {
  readonly status: { readonly allowed: boolean };
}

/** `changes`: NAME=VALUE, or NAME- to remove a variable. */
async function setServer(kubectl: Kubectl, changes: readonly string[]): Promise<void> {
  await kubectl.ok(["-n", "podrole", "set", "env", "deployment/podrole-server", ...changes]);
  await kubectl.ok(["-n", "podrole", "rollout", "status", "deployment/podrole-server", "--timeout=180s"]);
}
