// A new installation: small images, ready programs, small sidecars. Runs first in the suite, because it counts
// restarts.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { afterEach, suite, test } from "node:test";
import type { ImageSizes } from "./images.ts";
import { deploymentManifest } from "./pods.ts";
import { kubectl, NODE_DIRECTORY, onNode, printDiagnosis, rolledOut, useNamespace } from "./suite.ts";

const MEBIBYTE = 2 ** 20;

suite("an installation", { timeout: 300_000 }, () => {
  const shop = useNamespace("installation");
  afterEach((context) => printDiagnosis(context, "podrole"));

  test("the images add less than 10 MB to their base", (context) => {
    const images = JSON.parse(process.env["PODROLE_IMAGE_SIZES"] ?? "{}") as Readonly<Record<string, ImageSizes>>;
    for (const [image, { bytes, added }] of Object.entries(images)) {
      context.diagnostic(
        `${image}: ${(bytes / 1e6).toFixed(0)} MB, of which ${(added / 1e6).toFixed(1)} MB are podrole's`,
      );
      assert.ok(added < 10e6);
    }
  });

  test("two ready replicas of each program, under PodSecurity restricted, without restarts", async () => {
    interface Pods {
      readonly items: readonly { status: { containerStatuses: { ready: boolean; restartCount: number }[] } }[];
    }
    const pods = await kubectl.json<Pods>(["-n", "podrole", "get", "pods"]);
    const containers = pods.items.flatMap(({ status }) => status.containerStatuses);
    assert.deepEqual(
      containers.map(({ ready, restartCount }) => [ready, restartCount]),
      Array.from({ length: 4 }, () => [true, 0]),
    );
  });

  test("the pods are in a cgroup that no other node has", (context) => {
    const { LINK: node } = process.env;
    if (node === undefined) return context.diagnostic("not run: needs a node that the suite started");
    assert.equal(existsSync(`/sys/fs/cgroup/cpu/${node}/kubepods`), true, "kubelets remove cgroups of pods they lack");
  });

  test("a sidecar uses less than 18 MiB of private memory", async (context) => {
    if (NODE_DIRECTORY === "")
      return context.diagnostic("not run: memory can be read only on a node that the suite started");
    await shop.apply(deploymentManifest("orders", { role: "shop-orders" }, 5));
    await rolledOut(shop.name, "deployment/orders");
    const rollups = onNode("for pid in $(pgrep -f '[m]ain.cjs serve'); do cat /proc/$pid/smaps_rollup; done");
    const sizes = rollups.split(/ \[rollup\]\n/).slice(1);
    assert.ok(sizes.length >= 5);
    const mebibytes = sizes.map((rollup) => {
      const kilobytes = [...rollup.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB$/gm)].map(([, size]) => Number(size));
      return (kilobytes.reduce((sum, size) => sum + size, 0) * 1024) / MEBIBYTE;
    });
    context.diagnostic(`private memory of each sidecar: ${mebibytes.map((size) => size.toFixed(1)).join(", ")} MiB`);
    assert.ok(Math.max(...mebibytes) < 18, "18 MiB is the documented limit of a sidecar");
  });
});
