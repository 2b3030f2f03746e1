// Sends AdmissionReviews to a webhook over HTTPS connections that are kept alive, as the API server does.
import { Agent, request } from "node:https";
import type { KubernetesEmulator } from "../../emulators/kubernetes/emulator.ts";

/** Returns the CA (PEM) that the server has put into the webhook configuration. */
export function registeredCa(kubernetes: KubernetesEmulator): Buffer {
  const configuration = kubernetes.store.get("mutatingwebhookconfigurations", undefined, "podrole");
  const [registered] = configuration["webhooks"] as { clientConfig: { caBundle: string } }[];
  return Buffer.from(registered?.clientConfig.caBundle ?? "", "base64");
}

/** Sends reviews to a port of 127.0.0.1. */
export interface ReviewSender {
  /** Resolves with the answer. Throws RangeError if it has no patch. */
  post(body: string): Promise<string>;
  close(): void;
}

/** `ca`: of the webhook's certificate, PEM. */
export function createReviewSender(port: number, ca: string | Buffer): ReviewSender {
  const agent = new Agent({ keepAlive: true, ca });
  return {
    post(body) {
      const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
      return new Promise((resolve, reject) => {
        const options = { host: "127.0.0.1", port, path: "/mutate", method: "POST", agent, headers };
        const call = request(options, (response) => {
          let text = "";
          response.setEncoding("utf8").on("data", (chunk: string) => {
            text += chunk;
          });
          response.on("end", () => {
            if (text.includes('"patch"')) resolve(text);
            else reject(new RangeError(`the webhook did not inject: ${text}`));
          });
        });
        call.on("error", reject).end(body);
      });
    },
    close: () => agent.destroy(),
  };
}
