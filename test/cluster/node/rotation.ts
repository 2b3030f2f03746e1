// Rotation of podrole's CA by the command line, and what the cluster shows of it.
import assert from "node:assert/strict";
import { splitBundle } from "../../../src/pki/bundle.ts";
import { runPodrole } from "./run-podrole.ts";
import { kubectl, Not, untilSuccess } from "./suite.ts";

/** Runs `podrole rotate`. */
export async function rotateCa(...args: readonly string[]): Promise<void> {
  const { code, err } = await runPodrole(["rotate", ...args]);
  assert.equal(code, 0, err);
}

/** Resolves with the published CAs. */
export async function publishedCas(): Promise<readonly string[]> {
  const path = String.raw`jsonpath={.data.bundle\.pem}`;
  return splitBundle(await kubectl.ok(["-n", "podrole", "get", "configmap", "podrole-trust", "-o", path]));
}

/** Waits until so many CAs are published: servers read the CA's Secret once a minute. */
export function untilPublished(count: number): Promise<readonly string[]> {
  return untilSuccess(`${count} published CAs`, async () => {
    const cas = await publishedCas();
    return cas.length === count ? cas : new Not(`${cas.length} CAs`);
  });
}

/**
 * Waits until every server signs with the CA that was activated at `since`: a server that has read it replaces its
 * serving certificate, and says so.
 */
export async function untilEveryServerSigns(since: Date): Promise<void> {
  const selector = ["-n", "podrole", "get", "pods", "-l", "app.kubernetes.io/name=podrole-server", "-o", "name"];
  const servers = (await kubectl.ok(selector)).trim().split("\n");
  await untilSuccess("a serving certificate of the new CA on every server", async () => {
    const logs = await Promise.all(
      servers.map((server) => kubectl.ok(["-n", "podrole", "logs", server, `--since-time=${since.toISOString()}`])),
    );
    const ready = logs.filter((log) => log.includes("issued the serving certificate")).length;
    return ready === servers.length ? ready : new Not(`${ready} of ${servers.length} servers`);
  });
}
