// Whether pods reach the node's instance metadata, and with it the node's role.
import { type CheckTable, failed, given, ok, warning } from "./finding.ts";

export const METADATA = {
  INSTANCE_METADATA: {
    section: "nodes",
    when: "installed",
    summary:
      "A pod cannot reach the node's instance metadata service (only with `--imds NAMESPACE`, which runs a pod there for some seconds).",
    remedy:
      "Deny 169.254.169.254 to application pods by NetworkPolicy, and set the instances' `HttpTokens` to required and `HttpPutResponseHopLimit` to 1 ([docs/install.md](install.md#block-the-nodes-role)).",
    judge: ({ metadata }) =>
      given(metadata, ({ namespace, answer, said }) => {
        const object = `namespace ${namespace}`;
        switch (answer) {
          case "reached":
            return failed(`The metadata service answers a pod (${said}), wanted no way to it`, object);
          case "silent":
            return ok(`a pod in namespace "${namespace}" does not reach it (${said})`);
          case "unknown":
            return warning(`The pod that tries it could not tell: ${said}`, object);
        }
      }),
  },
} as const satisfies CheckTable;
