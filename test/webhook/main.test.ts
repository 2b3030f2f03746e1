import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { readSettings } from "../../src/runtime/settings.ts";
import { createShutdown } from "../../src/runtime/shutdown.ts";
import { WEBHOOK_SETTINGS } from "../../src/settings/webhook.ts";
import { startWebhook } from "../../src/webhook/main.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { createKeptLog } from "../fakes/log.ts";
import { createTemporaryDirectory } from "../temporary-files.ts";

/** Nothing listens at this API server. */
const KUBECONFIG = {
  apiVersion: "v1",
  kind: "Config",
  clusters: [{ name: "none", cluster: { server: "http://127.0.0.1:1" } }],
  contexts: [{ name: "none", context: { cluster: "none", user: "none" } }],
  users: [{ name: "none", user: {} }],
  "current-context": "none",
};

test("startWebhook() ends when it is stopped before it waits for certificate and caches", async (context) => {
  const directory = createTemporaryDirectory(context);
  const kubeconfig = join(directory, "kubeconfig.json");
  await writeFile(kubeconfig, JSON.stringify(KUBECONFIG));
  const read = readSettings(
    WEBHOOK_SETTINGS,
    { kubeconfig, nativeSidecar: "true", bind: "127.0.0.1:0", pagesBind: "127.0.0.1:0" },
    {},
  );
  assert.ok(read.ok, JSON.stringify(read));
  const clock = createFakeClock();
  const { log } = createKeptLog();
  const shutdown = createShutdown({ clock, log }, { deadlineMs: 1_000 });
  await shutdown.stop("signal");
  await assert.rejects(startWebhook({ clock, log, audit: () => {}, shutdown }, read.value), {
    code: "INTERNAL",
    message: /there is no certificate yet/,
  });
});
