// The benchmarks, for scripts-table.ts.
import {
  CGROUPS,
  NODE_PACKAGES,
  namesOption,
  numberOption,
  optionalTextOption,
  publishOption,
  root,
  type ScriptUsage,
  switchOption,
  textOption,
} from "./options.ts";

/** Of each benchmark, by its name. */
export const BENCHES = {
  bench: {
    purpose:
      "Measures admission, certificates, credentials and the start of a sidecar on this machine (test/bench/README.md)",
    needs: "Linux",
    time: "75 seconds",
    options: {
      sidecar: { flags: "--no-sidecar", help: "omit the sidecar's own benchmark", default: true },
      publish: publishOption("test/bench/results.json and test/bench/sidecar/results.json"),
    },
  },
  "test/bench/sidecar/main.ts": {
    purpose: "Measures what the sidecar costs in a pod, beside a bare server of node:http with the same flags",
    needs: "Linux",
    time: "1 minute",
    options: { publish: publishOption("test/bench/sidecar/results.json") },
  },
  "bench:overload": {
    purpose:
      "Offers the server twice what it can do, then 5000 sidecars whose credentials have expired, and fails if a figure of test/bench/README.md is missed",
    requires: [CGROUPS],
    time: "6 minutes",
    options: {
      seconds: numberOption("--seconds <number>", "length of the overload", 60, { min: 1, max: 3_600 }),
      pods: numberOption("--pods <number>", "pods whose credentials have expired", 5_000, { min: 1, max: 100_000 }),
      cores: numberOption("--cores <number>", "share of a core that the server has", 0.5, {
        min: 0,
        max: 64,
        isWhole: false,
      }),
      publish: publishOption("test/bench/overload/results.json"),
    },
  },
  "bench:outage": {
    purpose: "Measures how soon pods have their first credentials after an outage of the server and of STS",
    requires: [root("to prefer its processes to others of the machine")],
    time: "8 minutes",
    options: {
      pods: numberOption("--pods <number>", "pods that wait", 20, { min: 1, max: 1_000 }),
      publish: publishOption("test/bench/outage/results.json"),
    },
  },
  "bench:start": {
    purpose: "Measures what podrole adds to the start of a pod, on a real kubelet",
    needs: `root, ${NODE_PACKAGES}`,
    time: "15 minutes",
    options: {
      starts: numberOption("--starts <number>", "starts of each variant", 20, { min: 1, max: 10_000 }),
      atOnce: numberOption("--at-once <number>", "pods that start at once, of fewer variants; 0: one pod", 0, {
        min: 0,
        max: 100,
      }),
      groups: textOption(
        "--groups <names>",
        "only pods of these groups of test/bench/start/shapes.ts, separated by commas",
        "ordinary,no volumes,Guaranteed,limit 500m,LimitRange 400m",
      ),
      certificates: switchOption(
        "--certificates",
        "start only pods without podrole, with a token and with a pod certificate, in turn; measure their CPU time too",
      ),
      trace: optionalTextOption("--trace <file>", "record what the kernel does during each single start in this file"),
      publish: publishOption(
        "test/bench/start/results.json, or beside it crowd.json with --at-once, certificates.json with --certificates",
      ),
      cluster: optionalTextOption(
        "--cluster <folder>",
        "use a running cluster of node.sh, which keeps running with podrole installed",
      ),
      images: {
        flags: "--no-images",
        help: "with --cluster: use the images that an earlier run has loaded into it",
        default: true,
      },
    },
  },
  "bench:status": {
    purpose: "Measures how long podrole status takes for many pods, beside a bare program that lists them",
    time: "2 minutes",
    options: { publish: publishOption("test/bench/status/results.json") },
  },
  "bench:cpu": {
    purpose: "Measures the CPU time of a sidecar's start and of a renewal",
    requires: [CGROUPS],
    time: "30 seconds",
    options: {
      starts: numberOption("--starts <number>", "how many starts", 12, { min: 1, max: 10_000 }),
      publish: publishOption("test/bench/start/cpu.json"),
    },
  },
  "bench:scale": {
    purpose: "Creates injected pods on a real API server and a node of KWOK; fails if admission's p99 exceeds 25 ms",
    needs: "Go, openssl, curl",
    time: "5 minutes; the first run builds Kubernetes and KWOK, 15 more",
    options: {
      pods: numberOption("--pods <number>", "how many pods", 5_000, { min: 100, max: 50_000 }),
      publish: publishOption("test/bench/scale/results.json"),
    },
  },
  "bench:reference": {
    purpose: "Measures sidecar, server and webhook beside the smallest programs that do the same; fails above a target",
    time: "10 minutes",
    options: {
      rounds: numberOption("--rounds <number>", "rounds of each part", 8, { min: 1, max: 1_000 }),
      only: namesOption("--only <part>", "run only this part", ["sidecar", "server", "admission", "list"]),
      publish: publishOption("test/bench/reference/results.json; with --only, only those rows of it"),
    },
  },
} as const satisfies Readonly<Record<string, ScriptUsage>>;
