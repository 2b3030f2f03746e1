// The real webhook with --api-server-ca: it serves the API server that shows the certificate, and no other caller.
import assert from "node:assert/strict";
import { Agent, request } from "node:https";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { type EmulatedCluster, startEmulatedCluster } from "../../emulators/cluster.ts";
import { systemClock as clock } from "../../src/runtime/clock.ts";
import { ROOT } from "../files.ts";
import { writeTemporaryFile } from "../temporary-files.ts";
import { clientOf, newCa } from "../webhook/client-certificates.ts";
import { annotatedPod, reviewOf } from "../webhook/requests.ts";

const ACCOUNT = "123456789012";
const NAMESPACE = {
  metadata: {
    name: "shop",
    labels: { "podrole.io/inject": "enabled" },
    annotations: { "iam.amazonaws.com/permitted": ".*" },
  },
};
const CA = newCa("for the API server");
const API_SERVER = clientOf(CA, "kube-apiserver");

suite("podrole webhook --api-server-ca", { timeout: 120_000 }, () => {
  const caFile = writeTemporaryFile({ after }, "ca.pem", CA.pem);
  let cluster: EmulatedCluster;

  before(async () => {
    const entry = join(ROOT, "src/cli/main.ts");
    cluster = await startEmulatedCluster(
      { clock },
      {
        runtime: { execPath: process.execPath, entry, path: process.env["PATH"] ?? "" },
        region: "eu-central-1",
        accountId: ACCOUNT,
        roles: [],
        webhookFlags: ["--api-server-ca", caFile, "--api-server-name", "kube-apiserver"],
        webhookClient: { certificatePem: API_SERVER.cert, keyPem: API_SERVER.key },
      },
    );
    await cluster.kubernetes.create("/api/v1/namespaces", NAMESPACE);
  });
  after(() => cluster?.stop());

  const admissions = () => cluster.webhook.lines.filter((line) => line["audit"] === "admission");

  test("the API server creates an injected pod, and the audit line says who called", async () => {
    const pod = { ...annotatedPod(), spec: { containers: [{ name: "app", image: "app" }] } };
    const { code } = await cluster.kubernetes.create("/api/v1/namespaces/shop/pods", pod);
    assert.equal(code, 201);
    assert.deepEqual(
      admissions().map(({ caller, decision }) => [caller, decision]),
      [["api-server", "inject"]],
    );
  });

  for (const [what, client, expected] of [
    ["without a certificate", {}, "ERR_SSL"],
    ["with a certificate of another CA", clientOf(newCa("for the API server"), "kube-apiserver"), "ECONNRESET"],
    ["with another name", clientOf(CA, "kubelet"), "403"],
  ] as const) {
    test(`a caller ${what} writes no audit line and reads nothing`, async () => {
      const before = admissions().length;
      const answer = await post(cluster.webhook.ports["webhook"] ?? 0, client);
      assert.ok(answer.startsWith(expected), answer);
      assert.equal(admissions().length, before);
    });
  }
});

/** Sends a review; returns the status or the connection's error. */
function post(port: number, client: object): Promise<string> {
  const agent = new Agent({ rejectUnauthorized: false, ...client });
  return new Promise((resolve) => {
    const headers = { "content-type": "application/json" };
    const call = request({ host: "127.0.0.1", port, path: "/mutate", method: "POST", agent, headers }, (response) => {
      response.resume().on("end", () => resolve(String(response.statusCode)));
    });
    call.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    call.end(JSON.stringify(reviewOf(annotatedPod(), { userInfo: { username: "bob" } })));
  });
}
