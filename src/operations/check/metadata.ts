// Check that pods cannot reach the node's instance metadata, and with it the node's role.
import { type CheckTable, failed, given, ok, warning } from "./finding.ts";

export const METADATA = {
  INSTANCE_METADATA: {
    section: "nodes",
    when: "installed",
    summary:
      "Pods cannot reach the node's instance metadata service. podrole check tests this only with `--imds NAMESPACE`, which runs a short-lived pod in that namespace.",
    remedy:
      "Block 169.254.169.254 for application pods with a NetworkPolicy, and set `HttpTokens` to `required` and `HttpPutResponseHopLimit` to 1 for the EC2 instances ([docs/install.md](install.md#block-the-nodes-role)).",
    judge: ({ metadata }) =>
      given(metadata, ({ namespace, answer, detail }) => {
        const object = `namespace ${namespace}`;
        switch (answer) {
          case "reached":
            return failed(
              `A pod can reach the instance metadata service (${detail}); expected it to be blocked`,
              object,
            );
          case "silent":
            return ok(`a pod in namespace "${namespace}" cannot reach the instance metadata service (${detail})`);
          case "unknown":
            return warning(`The test pod reported no result: ${detail}`, object);
        }
      }),
  },
} as const satisfies CheckTable;
