// What happens to an app's credentials, as rows: how the pod comes to it, what each SDK is expected to do, and why.
// Those whose words carry podrole's code are named: the others' users find it in the sidecar's log and in an Event.
import type { Outcome } from "./outcome.ts";

export interface Scenario {
  /** For docs/sdk-conformance.md: what the app meets. */
  readonly title: string;
  readonly expects: Outcome["outcome"];
  /** SDKs that do otherwise. */
  readonly except?: Readonly<Record<string, Outcome["outcome"]>>;
  /** The code that podrole answers, and the SDKs that show it. */
  readonly code?: { readonly code: string; readonly shownBy: readonly string[] };
  readonly why: string;
}

const SHOW_THE_BODY = ["boto3", "aws-cli", "go-v2"];

export const SCENARIOS = {
  start: {
    title: "a pod starts; the app asks STS who it is",
    expects: "works",
    why: "Endpoint, token file and region are in the environment, and the sidecar has credentials before the app starts.",
  },
  fetches: {
    title: "1,000 fetches by new chains (the CLI, a process each: 3)",
    expects: "works",
    why: "Credentials are answered from memory, so caches of SDKs that forget do no harm.",
  },
  proxy: {
    title: "`HTTP_PROXY` is set in the pod",
    expects: "works",
    why: "The webhook adds 127.0.0.1 to `NO_PROXY`: neither token nor credentials reach the proxy.",
  },
  metadata: {
    title: "`podrole.io/metadata: enabled`, and an app that asks for nothing else",
    expects: "works",
    why: "`AWS_EC2_METADATA_SERVICE_ENDPOINT` leads to the sidecar, which speaks IMDSv2.",
  },
  "wrong-token": {
    title: "the token is not of a container of the pod",
    expects: "fails",
    code: { code: "TOKEN_MISMATCH", shownBy: SHOW_THE_BODY },
    why: "403: no SDK gets anything. JavaScript shows no body of the endpoint.",
  },
  "no-token": {
    title: "the token file is absent",
    expects: "fails",
    except: { "javascript-v2": "dies" },
    why: "Nothing is asked. JavaScript v2 reads the file outside of its promise, and the process ends.",
  },
  held: {
    title: "credentials come 0.5 s after the request, from a renewal in flight",
    expects: "works",
    why: "The request is held up to 900 ms, less than any SDK waits.",
  },
  late: {
    title: "credentials come 2 s after the first request",
    expects: "works",
    why: "Held for 900 ms before each 503, SDKs go on trying for 2.8 s (Go v2) and longer.",
  },
  refused: {
    title: "STS refuses the role after the pod has started, and the credentials have expired",
    expects: "fails",
    code: { code: "STS_DENIED", shownBy: SHOW_THE_BODY },
    why: "403 with STS's own words. JavaScript shows no body of the endpoint.",
  },
  "server-down": {
    title: "podrole's server is down, the credentials are valid",
    expects: "works",
    why: "The sidecar hands out what it has until it expires.",
  },
} as const satisfies Readonly<Record<string, Scenario>>;

export type ScenarioId = keyof typeof SCENARIOS;

/** By scenario and SDK; what results.json holds. */
export interface Results {
  readonly versions: Readonly<Record<string, string>>;
  readonly titles: Readonly<Record<string, string>>;
  readonly outcomes: Readonly<Record<string, Readonly<Record<string, Outcome>>>>;
}
