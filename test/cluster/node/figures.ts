// Figures of pod certificates on a real node: what `main.ts --publish` writes, and docs/pod-certificates.md shows. Each
// test that measures some has its own file, because they do not run together.
import { join } from "node:path";
import type { TestContext } from "node:test";
import { type Measurement, measuredNow, publishedResults } from "../../published-results.ts";

/** Requests for credentials that apps made meanwhile; the test fails if one of them failed. */
interface Load {
  readonly pods: number;
  readonly requests: number;
}

/** Unusual requests: how many cases of the page were tried. */
interface CaseFigures {
  /** Version of the API server and the kubelet. */
  readonly kubernetes: string;
  readonly cases: number;
}

/** An outage of podrole's server: all times in seconds. */
interface OutageFigures extends Load {
  /** How long no server ran. */
  readonly awaySeconds: number;
  /** From the server's return until a pod that was created during the outage had its role. */
  readonly startedSeconds: number;
  /** From the server's return until every pod's volume had its next certificate. */
  readonly renewedSeconds: number;
}

/** A restart of the kubelet: all times in seconds after it. */
interface RestartFigures extends Load {
  /** PodCertificateRequests that the kubelet made. */
  readonly made: number;
  /** From the first of them to the last. */
  readonly madeWithinSeconds: number;
  /** Until the last was answered. */
  readonly answeredSeconds: number;
  /** Until every pod's volume had its new certificate. */
  readonly mountedSeconds: number;
}

/** A change of the CA. */
interface RotationFigures extends Load {
  /** From the publication of the next CA until every pod's volume had it. */
  readonly bundleSeconds: number;
  /** From the kubelet's restart in the drill, else from the beginning, until every certificate was of the new CA. */
  readonly replacedSeconds: number;
  /** Of the whole test. */
  readonly seconds: number;
}

const fileOf = <Facts>(name: string) =>
  publishedResults<Facts & Measurement>(join(import.meta.dirname, `figures/${name}.json`));

/** The published figures of pod-certificates.test.ts. */
export const caseFigures = fileOf<CaseFigures>("cases");
/** The published figures of pod-certificate-outage.test.ts. */
export const serverOutageFigures = fileOf<OutageFigures>("outage");
/** The published figures of kubelet-restart.test.ts. */
export const restartFigures = fileOf<RestartFigures>("kubelet-restart");
/** The published figures of pod-certificate-drill.test.ts. */
export const drillFigures = fileOf<RotationFigures>("drill");
/** The published figures of pod-certificate-renewal.test.ts. */
export const renewalFigures = fileOf<RotationFigures>("renewal");

/** Prints the figures of a test that has passed, and with `--publish` writes them. */
export function reportFigures<Facts extends object>(
  context: TestContext,
  file: { readonly write: (results: Facts & Measurement) => void },
  facts: Facts,
): void {
  context.diagnostic(JSON.stringify(facts));
  if (process.env["PODROLE_PUBLISH"]) file.write({ ...measuredNow(), ...facts });
}
