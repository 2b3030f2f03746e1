// An emulated API server over plain HTTP, called as any client would.
import type { TestContext } from "node:test";
import {
  createKubernetesEmulator,
  type KubernetesEmulator,
  type KubernetesEmulatorOptions,
} from "../../../emulators/kubernetes/emulator.ts";
import type { KubeObject } from "../../../emulators/kubernetes/objects.ts";
import { type Clock, systemClock } from "../../../src/runtime/clock.ts";

export interface Answer {
  readonly code: number;
  readonly body: KubeObject & { readonly reason?: string; readonly message?: string };
  readonly headers: Headers;
}

export interface Api {
  readonly emulator: KubernetesEmulator;
  readonly url: string;
  readonly call: (method: string, path: string, body?: unknown, options?: CallOptions) => Promise<Answer>;
}

export interface CallOptions {
  readonly contentType?: string;
  readonly username?: string;
  /** Replaces the user's own token. */
  readonly token?: string;
}

export async function startApi(
  test: TestContext,
  { clock = systemClock, ...options }: KubernetesEmulatorOptions & { readonly clock?: Clock } = {},
): Promise<Api> {
  const emulator = createKubernetesEmulator({ clock }, { plainHttp: true, ...options });
  const url = await emulator.listen();
  test.after(() => emulator.close());
  return {
    emulator,
    url,
    async call(method, path, body, { contentType = "application/json", username, token } = {}) {
      const authorization = `Bearer ${token ?? tokenOf(emulator, username)}`;
      const response = await fetch(url + path, {
        method,
        headers: { authorization, "content-type": contentType },
        ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      return { code: response.status, body: (await response.json()) as Answer["body"], headers: response.headers };
    },
  };
}

export function tokenOf(emulator: KubernetesEmulator, username?: string): string {
  const config = JSON.parse(emulator.kubeconfig(username)) as { users: { user: { token: string } }[] };
  return config.users[0]?.user.token ?? "";
}

export const PODS_PATH = "/api/v1/namespaces/default/pods";
export const CONFIG_MAPS_PATH = "/api/v1/namespaces/default/configmaps";

export function podNamed(name: string, spec: object = {}) {
  return { metadata: { name }, spec: { containers: [{ name: "app", image: "shop/app:1" }], ...spec } };
}
