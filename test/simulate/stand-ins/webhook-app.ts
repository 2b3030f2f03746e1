// Stand-in for createWebhookApp() of src/webhook/app.ts: the simulated API server calls its use case.
import type { WebhookAppDeps, WebhookAppOptions } from "../../../src/webhook/app.ts";
import { surroundingsOf } from "../surroundings.ts";

export function createWebhookApp(deps: WebhookAppDeps, { host, port }: WebhookAppOptions) {
  return {
    async listen() {
      surroundingsOf(host).onWebhook(deps);
      return port;
    },
    async close() {},
  };
}
