// Two servers side by side, without a leader: one CA, pods spread over both, and one server killed with SIGKILL while
// sidecars renew and apps keep requesting credentials. Server, webhook and sidecar are the real programs.
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import type { RunningPod } from "../../emulators/kubelet/node.ts";
import type { RunningProgram } from "../../emulators/start-program.ts";
import { startService } from "./service.ts";
import { openShop, type Shop } from "./shop.ts";

const ROLE = "iam.amazonaws.com/role";
const NAMESPACE = "pair";
const PODS = ["a", "b", "c", "d"];

/** The endpoint and token of an app. */
interface Client {
  readonly pod: RunningPod;
  readonly uri: string;
  readonly token: string;
}

suite("two servers", { timeout: 120_000 }, () => {
  let shop: Shop;
  let second: RunningProgram;
  const services: { identity: Awaited<ReturnType<typeof startService>>; credentials: typeof services.identity } =
    {} as never;

  before(async () => {
    Object.assign(services, { identity: await startService(), credentials: await startService() });
    shop = await openShop({
      async front({ ports }) {
        services.identity.endpoints.push(ports["identity"] ?? 0);
        services.credentials.endpoints.push(ports["credentials"] ?? 0);
        return { identity: services.identity.address, credentials: services.credentials.address };
      },
    });
    second = await shop.cluster.startServer();
    services.identity.endpoints.push(second.ports["identity"] ?? 0);
    services.credentials.endpoints.push(second.ports["credentials"] ?? 0);
    await shop.namespace(NAMESPACE);
  });
  after(async () => {
    await shop?.close();
    await Promise.all([services.identity?.close(), services.credentials?.close()]);
  });

  const issuedBy = ({ lines }: RunningProgram, kind: string) =>
    lines.filter((line) => line["audit"] === kind && line["decision"] === "issued" && line["namespace"] === NAMESPACE);

  async function start(name: string): Promise<Client> {
    const pod = await shop.run(NAMESPACE, name, { annotations: { [ROLE]: "shop-pair" } });
    await shop.phase(pod, "Running");
    const print =
      'const e=process.env;console.log(e.AWS_CONTAINER_CREDENTIALS_FULL_URI+" "+require("fs").readFileSync(e.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE))';
    const { output } = await pod.exec("app", [process.execPath, "-e", print], AbortSignal.timeout(10_000));
    const [uri = "", token = ""] = output.trim().split(" ");
    return { pod, uri, token };
  }

  async function requestCredentials({
    uri,
    token,
  }: Client): Promise<{ readonly status: number; readonly accessKeyId: string }> {
    const response = await fetch(uri, { headers: { Authorization: token } });
    const { AccessKeyId = "" } = (await response.json()) as { AccessKeyId?: string };
    return { status: response.status, accessKeyId: AccessKeyId };
  }

  /** Requests credentials continuously until `signal` aborts; counts statuses and collects access key ids. */
  function requestContinuously(client: Client, signal: AbortSignal) {
    const statuses = new Map<number, number>();
    const keys = new Set<string>();
    async function loop(): Promise<void> {
      while (!signal.aborted) {
        const { status, accessKeyId } = await requestCredentials(client).catch(() => ({ status: 0, accessKeyId: "" }));
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        if (accessKeyId !== "") keys.add(accessKeyId);
        await setTimeout(10);
      }
    }
    return { statuses, keys, done: loop() };
  }

  test("both sign with the CA that one of them created, and a killed server interrupts no app", async () => {
    const { cluster } = shop;
    const created = [cluster.server, second].flatMap(({ lines }) =>
      lines.filter(({ message }) => message === "changing the CA"),
    );
    assert.equal(created.length, 1);
    const clients = await Promise.all(PODS.map(start));
    for (const client of clients) assert.equal((await requestCredentials(client)).status, 200);
    for (const program of [cluster.server, second]) {
      assert.ok(issuedBy(program, "certificate").length > 0);
      assert.ok(issuedBy(program, "credentials").length > 0);
    }

    const secret = cluster.kubernetes.store.get("secrets", "podrole", "podrole-ca");
    const stopped = new AbortController();
    const requesters = clients.map((client) => requestContinuously(client, stopped.signal));
    try {
      // Renewals begin at half of 56 s; the current credentials remain usable for another 23 s.
      await setTimeout(10_000);
      await cluster.server.kill();
      const killedAt = Date.now();
      const newcomer = start("newcomer");
      const renewed = () => requesters.every(({ keys }) => keys.size >= 2);
      const refused = () => services.credentials.refused() + services.identity.refused();
      while (!renewed() && Date.now() - killedAt < 50_000) {
        await setTimeout(100);
        // Kubernetes removes a killed replica from the endpoints, but only after some connections to it have failed.
        if (refused() > 0)
          for (const { endpoints } of Object.values(services)) endpoints.splice(0, endpoints.length - 1);
      }
      assert.ok(renewed(), "not every app has credentials of the other server");
      assert.equal((await requestCredentials(await newcomer)).status, 200);
    } finally {
      stopped.abort();
      await Promise.all(requesters.map(({ done }) => done));
    }

    const statuses = requesters.map(({ statuses }) => statuses);
    for (const answers of statuses) assert.deepEqual([...answers.keys()], [200]);
    const requests = statuses.reduce((sum, answers) => sum + (answers.get(200) ?? 0), 0);
    assert.ok(requests > 500, `${requests} requests`);
    assert.ok(
      services.credentials.refused() + services.identity.refused() > 0,
      "no connection reached the killed server",
    );
    assert.deepEqual(cluster.kubernetes.store.get("secrets", "podrole", "podrole-ca"), secret, "the CA has changed");
  });
});
