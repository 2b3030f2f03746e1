// How often the client reads the files of a kubeconfig.
import assert from "node:assert/strict";
import { renameSync } from "node:fs";
import { test } from "node:test";
import { createKubernetes } from "../../src/kubernetes/client.ts";
import { ApiError } from "../../src/kubernetes/errors.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { writeTemporaryFile } from "../temporary-files.ts";
import { startCluster } from "./harness.ts";

test("createKubernetes() reads the file of the CA once a second, and not for each request", async (t) => {
  const { emulator } = await startCluster(t);
  const config = JSON.parse(emulator.kubeconfig()) as {
    clusters: [{ cluster: { "certificate-authority-data": string; "certificate-authority"?: string } }];
  };
  const [{ cluster }] = config.clusters;
  const caPath = writeTemporaryFile(
    t,
    "ca.pem",
    Buffer.from(cluster["certificate-authority-data"], "base64").toString(),
  );
  config.clusters = [
    {
      ...config.clusters[0],
      cluster: { ...cluster, "certificate-authority-data": "", "certificate-authority": caPath },
    },
  ];
  const clock = createFakeClock();
  const kubeconfigPath = writeTemporaryFile(t, "kubeconfig", JSON.stringify(config));
  const kubernetes = createKubernetes({ kubeconfigPath, clock });
  t.after(() => kubernetes.close());
  const request = () => kubernetes.getPod("default", "web");

  await request();
  renameSync(caPath, `${caPath}.moved`);
  await request();
  await clock.advance(1_000);
  await assert.rejects(request(), ApiError);
  renameSync(`${caPath}.moved`, caPath);
  await request();
});
