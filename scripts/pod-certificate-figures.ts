// Generates the lists of docs/pod-certificates.md from the figures that `test/cluster/node/main.ts --publish`,
// `npm run bench:start -- --certificates --publish` and `npm run bench:cpu -- --publish` recorded.
import { type CertificateRow, certificateResults } from "../test/bench/start/certificates.ts";
import { cpuFigures } from "../test/bench/start/cpu-figures.ts";
import {
  caseFigures,
  drillFigures,
  renewalFigures,
  restartFigures,
  serverOutageFigures,
} from "../test/cluster/node/figures.ts";
import type { Measurement } from "../test/published-results.ts";
import { markdownTable } from "./markdown-table.ts";

const runOf = ({ date, commit }: Measurement) => `(${date}, commit ${commit})`;

/** Returns an item for each test on a real node that has published its figures. */
export function realNodeFigures(): string {
  return [...renewalItem(), ...outageItem(), ...restartItem(), ...drillItem()].join("\n");
}

/** Returns when the cases of the page that name a node were seen on it last. */
export function casesOnNode(): string {
  const figures = caseFigures.find();
  if (figures === undefined) return "No case has been tried on a node yet.";
  const where = `a node of Kubernetes ${figures.kubernetes} with two replicas of the server`;
  return `\`test/cluster/node/pod-certificates.test.ts\` tries the cases with "node" on ${where}; the last run that was published had ${figures.cases} of them ${runOf(figures)}.`;
}

function outageItem(): readonly string[] {
  const figures = serverOutageFigures.find();
  if (figures === undefined) return [];
  const { pods, awaySeconds, startedSeconds, renewedSeconds, requests } = figures;
  const what = `No server ran for ${minutes(awaySeconds)}, in which ${pods} pods were due for their next certificate and a new pod was created`;
  const times = `the new pod had its role ${startedSeconds} s after the server's return, and all others their next certificate after ${renewedSeconds} s`;
  return [`- ${what}: ${times}. ${loadOf(requests)} and no container was restarted ${runOf(figures)}.`];
}

function restartItem(): readonly string[] {
  const figures = restartFigures.find();
  if (figures === undefined) return [];
  const { pods, made, madeWithinSeconds, answeredSeconds, mountedSeconds, requests } = figures;
  const what = `The kubelet was restarted under ${pods} pods with ${made / pods} pod certificates each`;
  const storm = `it made ${made} requests, the last ${madeWithinSeconds} s after the first`;
  const times = `all had their answers ${answeredSeconds} s after the restart, and all volumes the new certificates after ${mountedSeconds} s`;
  return [`- ${what}: ${storm}; ${times}. ${loadOf(requests)} and no container was restarted ${runOf(figures)}.`];
}

function renewalItem(): readonly string[] {
  const figures = renewalFigures.find();
  if (figures === undefined) return [];
  const { pods, bundleSeconds, replacedSeconds, seconds, requests } = figures;
  const what = `Kubelets renewed the certificates of ${pods} pods with \`--pod-certificate-renewal=10m\` while the CA was rotated`;
  const times = `the next CA was in all volumes ${bundleSeconds} s after its publication, and all certificates were of the next CA after ${minutes(replacedSeconds)}`;
  return [
    `- ${what}: ${times}. ${loadOf(requests, `in ${minutes(seconds)}`)} and no container was restarted ${runOf(figures)}.`,
  ];
}

function drillItem(): readonly string[] {
  const figures = drillFigures.find();
  if (figures === undefined) return [];
  const { pods, bundleSeconds, replacedSeconds, seconds, requests } = figures;
  const what = `The drill for a compromised CA with ${pods} pods, with a restart of the kubelet, took ${minutes(seconds)}`;
  const times = `the new CA was in all volumes ${bundleSeconds} s after its publication, and new certificates ${replacedSeconds} s after the restart`;
  return [`- ${what}: ${times}. ${loadOf(requests)} ${runOf(figures)}.`];
}

function loadOf(requests: number, during = "meanwhile"): string {
  return `Apps made ${requests} requests for credentials ${during}; none failed`;
}

const minutes = (seconds: number) => `${Math.round(seconds / 60)} minutes`;

/** Returns what a renewal costs in CPU time, with a token and with a pod certificate. */
export function renewalCpu(): string {
  const { date, commit, figures } = cpuFigures.read();
  const valueOf = (what: string) => figures.find((figure) => figure.what === `CPU, ${what}`)?.value;
  const [token, certificate] = [
    valueOf("one renewal with a token and a new key"),
    valueOf("one renewal with a pod certificate"),
  ];
  if (token === undefined) return "A renewal with a pod certificate has not been measured yet.";
  const share = valueOf("one renewal with a pod certificate, beside the one with a token");
  return `A renewal that replaces the certificate takes ${token} times the CPU time of a bare gRPC call with a token, and ${certificate} times with a pod certificate, which is ${share} of the former (\`npm run bench:cpu\`, ${date}, commit ${commit}).`;
}

const STEPS = [
  ["up", "podrole-sidecar is up"],
  ["ready", "podrole-sidecar has credentials"],
  ["app", "the app's process starts"],
  ["cpuMs", "CPU time of the node's pods, podrole's servers included"],
] as const;

/** Returns how much later a pod starts than with a token, and what that costs in CPU time. */
export function startPrice(): string {
  const results = certificateResults.find();
  if (results === undefined) return "The start of a pod has not been measured yet.";
  const { starts, load, rows } = results;
  const cell = (kind: CertificateRow["kind"], step: CertificateRow["step"]) => {
    const row = rows.find((each) => each.kind === kind && each.step === step);
    return row === undefined ? "" : `${seconds(row.median)} (${seconds(row.p25)} to ${seconds(row.p75)})`;
  };
  const cells = STEPS.map(([step, what]) => {
    return [what, cell("plain", step), cell("podrole", step), cell("pod certificate", step)];
  });
  const where = `on two cores with a load average of ${load[0]} to ${load[1]}`;
  const text = `Medians of ${starts} starts of each kind in turn, in seconds after the binding to the node, quartiles in brackets, ${where} ${runOf(results)}:`;
  return `${text}\n\n${markdownTable(["", "without podrole", "token", "pod certificate"], cells)}`;
}

const seconds = (ms: number) => (ms / 1000).toFixed(2);
