// A kubeconfig for one user of the emulator. JSON is a subset of YAML, so kubectl and every client library read it.

/** The cluster and the user of a kubeconfig. */
export interface KubeconfigContent {
  readonly url: string;
  /** Undefined: the API is plain HTTP, which clients only accept with verification disabled. */
  readonly caPem: string | undefined;
  readonly username: string;
  readonly token: string;
}

/** Returns a kubeconfig for one user, as JSON. */
export function kubeconfig({ url, caPem, username, token }: KubeconfigContent): string {
  const trust =
    caPem === undefined
      ? { "insecure-skip-tls-verify": true }
      : { "certificate-authority-data": Buffer.from(caPem).toString("base64") };
  const content = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "emulator", cluster: { server: url, ...trust } }],
    users: [{ name: username, user: { token } }],
    contexts: [{ name: "emulator", context: { cluster: "emulator", user: username } }],
    "current-context": "emulator",
  };
  return `${JSON.stringify(content, undefined, 2)}\n`;
}
