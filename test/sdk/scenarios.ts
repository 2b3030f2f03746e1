// Scenarios for an app's credentials as data: the situation, the expected outcome for each SDK, and why. `shownBy`
// lists the SDKs whose error message includes podrole's code; users of the others find it in the sidecar's log and in
// an Event.
import type { Outcome } from "./outcome.ts";

export interface Scenario {
  /** The situation, as docs/sdk-conformance.md shows it. */
  readonly title: string;
  readonly expects: Outcome["outcome"];
  /** SDKs with a different outcome. */
  readonly except?: Readonly<Record<string, Outcome["outcome"]>>;
  /** Why an SDK is left out. */
  readonly notRun?: Readonly<Record<string, string>>;
  /** The code in podrole's response, and the SDKs that show it. */
  readonly code?: { readonly code: string; readonly shownBy: readonly string[] };
  readonly why: string;
}

const SHOW_THE_BODY = ["boto3", "aws-cli", "go-v2"];

export const SCENARIOS = {
  start: {
    title: "a pod starts, and its app calls GetCallerIdentity",
    expects: "works",
    why: "Endpoint, token file and region are in the environment, and the sidecar has credentials before the app starts.",
  },
  fetches: {
    title: "1,000 fetches, each from a new provider chain (AWS CLI: 3, each in a new process)",
    expects: "works",
    why: "The sidecar returns credentials from memory, so SDKs that do not cache credentials cause no calls to STS.",
  },
  proxy: {
    title: "`HTTP_PROXY` is set in the pod",
    expects: "works",
    why: "The webhook adds 127.0.0.1 to `NO_PROXY`, so SDKs send neither the token nor the request for credentials to the proxy.",
  },
  metadata: {
    title:
      "the pod has the annotation `podrole.io/metadata: enabled`, and its app uses only the instance metadata service",
    expects: "works",
    notRun: { "minio-go": "it reads no variable with the address of the metadata service" },
    why: "`AWS_EC2_METADATA_SERVICE_ENDPOINT` points to the sidecar, which implements IMDSv2. minio-go does not read that variable.",
  },
  "wrong-token": {
    title: "the app's token is not that of any container of the pod",
    expects: "fails",
    code: { code: "TOKEN_MISMATCH", shownBy: SHOW_THE_BODY },
    why: "The sidecar answers 403, so no SDK gets credentials. Only boto3, the AWS CLI and Go v2 show the response body.",
  },
  "no-token": {
    title: "the token file is missing",
    expects: "fails",
    except: { "javascript-v2": "dies" },
    why: "The SDKs send no request. JavaScript v2 reads the file outside its promise, so the app cannot catch the error and the process exits. The Common Runtime reports no error, and the app waits for as long as its own timeout allows.",
  },
  held: {
    title: "the sidecar gets credentials 0.5 s after the request, from a renewal in progress",
    expects: "works",
    why: "The sidecar holds the request for up to 900 ms, less than the timeout of every SDK.",
  },
  late: {
    title: "the sidecar gets credentials 2 s after the first request",
    expects: "works",
    except: { "minio-go": "fails" },
    why: "The sidecar holds each request for 900 ms before it answers 503, so even the SDK with the shortest retries (Go v2) retries for 2.8 s. minio-go does not retry.",
  },
  refused: {
    title: "STS denies the role after the pod has started, and the credentials have expired",
    expects: "fails",
    code: { code: "STS_DENIED", shownBy: SHOW_THE_BODY },
    why: "The sidecar answers 403 with the error message of STS. Only boto3, the AWS CLI and Go v2 show the response body.",
  },
  restarted: {
    title: "the sidecar is killed and restarted while the app runs; the app calls again with the same client",
    expects: "works",
    why: "Each start of the sidecar replaces the tokens. SDKs read the token file again for each refresh.",
  },
  crossing: {
    title: "the sidecar is killed and restarted while the app's SDK requests credentials with the earlier token",
    expects: "fails",
    except: { "javascript-v3": "works", "go-v2": "works", "java-v2": "works", cpp: "works" },
    code: { code: "TOKEN_REPLACED", shownBy: ["boto3", "aws-cli"] },
    why: "The sidecar answers 503. JavaScript v3, Go v2, Java v2 and C++ read the token file again when they retry. The others read it at their next refresh, which works.",
  },
  "server-down": {
    title: "podrole's server is down, and the sidecar's credentials are valid",
    expects: "works",
    why: "The sidecar returns its stored credentials until they expire.",
  },
} as const satisfies Readonly<Record<string, Scenario>>;

export type ScenarioId = keyof typeof SCENARIOS;

/** The contents of results.json: outcomes by scenario and SDK. */
export interface SdkResults {
  readonly versions: Readonly<Record<string, string>>;
  readonly titles: Readonly<Record<string, string>>;
  readonly outcomes: Readonly<Record<string, Readonly<Record<string, Outcome>>>>;
}
