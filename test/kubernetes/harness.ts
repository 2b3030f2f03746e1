// An emulated API server, and podrole's client connected to it over real sockets, for one test.
import type { TestContext } from "node:test";
import {
  createKubernetesEmulator,
  type KubernetesEmulator,
  type KubernetesEmulatorOptions,
} from "../../emulators/kubernetes/emulator.ts";
import { createKubernetes, type KubernetesClient } from "../../src/kubernetes/client.ts";
import type { ObjectMeta, Pod } from "../../src/kubernetes/objects.ts";
import { type Clock, systemClock } from "../../src/runtime/clock.ts";
import { writeTemporaryFile } from "../temporary-files.ts";

export interface Cluster {
  readonly emulator: KubernetesEmulator;
  /** Creates a client for a user; without a name, one with every permission. */
  readonly connect: (
    username?: string,
    options?: { readonly deadlineMs?: number; readonly maxResponseBytes?: number },
  ) => Promise<KubernetesClient>;
}

export async function startCluster(
  test: TestContext,
  { clock = systemClock, ...options }: KubernetesEmulatorOptions & { readonly clock?: Clock } = {},
): Promise<Cluster> {
  const emulator = createKubernetesEmulator({ clock }, options);
  const clients: KubernetesClient[] = [];
  await emulator.listen();
  test.after(async () => {
    for (const client of clients) await client.close();
    await emulator.close();
  });
  return {
    emulator,
    async connect(username, options = {}) {
      const path = writeTemporaryFile(test, "kubeconfig", emulator.kubeconfig(username));
      const client = createKubernetes({ kubeconfigPath: path, ...options });
      clients.push(client);
      return client;
    },
  };
}

export function podWithMetadata(metadata: ObjectMeta): Pod {
  return { metadata, spec: { containers: [{ name: "app", image: "shop/app:1" }] } };
}

/** Creates an object and returns it as it was stored. */
export async function createAndRead<Item>(emulator: KubernetesEmulator, path: string, object: object): Promise<Item> {
  const { code, body } = await emulator.create(path, object as Parameters<KubernetesEmulator["create"]>[1]);
  if (code !== 201) throw new RangeError(`${path}: ${code} ${JSON.stringify(body)}`);
  return body as Item;
}
