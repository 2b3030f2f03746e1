// A kubeconfig for one user of the emulator. JSON is YAML: kubectl and every client library read it.

export interface KubeconfigContent {
  readonly url: string;
  /** Without: the API is plain HTTP, which clients take only with verification off. */
  readonly caPem: string | undefined;
  readonly username: string;
  readonly token: string;
}

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
