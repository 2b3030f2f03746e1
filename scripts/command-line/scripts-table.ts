// The scripts and suites that a person runs: what each does, needs and accepts. startScript() makes their command lines
// and help texts from this table, and `npm run generate` the table of test/README.md. By the name in package.json, or
// by the file of a script that has none.
import { BENCHES } from "./benches-table.ts";
import {
  CGROUPS,
  debian,
  NODE_PACKAGES,
  namesOption,
  numberOption,
  optionalNumberOption,
  optionalTextOption,
  optionalTextsOption,
  publishOption,
  type ScriptUsage,
  switchOption,
  textOption,
} from "./options.ts";

/** Of Debian. */
export const LIBFAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
const CHROMIUM = debian("/usr/bin/chromium", "Chromium", "chromium");
const CLUSTER_PARTS = ["control-plane", "chart", "node"] as const;

const rowText = (what: string) => textOption("--row <text>", `run only the ${what} whose ids contain the text`, "");

/** Of each script, by its name. */
export const SCRIPTS = {
  build: {
    purpose: "Builds the bundles of the images and the folder of the npm package, in dist/",
    time: "seconds",
  },
  generate: {
    purpose:
      "Writes every generated file: gRPC messages, tables of pages, dashboard, alert rules, and parts of the chart",
    time: "20 seconds",
    options: { check: switchOption("--check", "write nothing, and exit with 1 if a file would change") },
  },
  site: {
    purpose: "Builds the site from README.md, docs/ and site/, and prints its address on this disk",
    time: "seconds",
    options: {
      out: textOption("--out <folder>", "the site's folder, which is replaced", "dist/site"),
      others: optionalTextOption(
        "--others <address>",
        "where the sites of other versions are, from this site's root; each is below v and its version",
      ),
    },
  },
  "release:dry": {
    purpose:
      "Makes all artefacts of a release twice, compares, signs and verifies them, and publishes nothing (docs/release.md)",
    needs: "podman, Go 1.26, GNU tar, binutils-aarch64-linux-gnu, qemu-user-static; --install also root",
    time: "2 minutes, with --install 7; the first run on a machine 15 more",
    options: { install: switchOption("--install", "also install the artefacts into a cluster on this machine") },
  },
  "release:notes": {
    purpose: "Prints the text of the release's page: the section of CHANGELOG.md, and what every release says",
    time: "seconds",
  },
  "check:base": {
    purpose:
      "Reports whether the images that the Dockerfiles and the workflows pin are still what their tags name (exit code 1: one is old; 2: a registry did not answer)",
    needs: "the network",
    time: "seconds",
  },
  "test:one": {
    purpose:
      "Runs the tests whose names match a regular expression, in the files whose text matches it or in the given ones",
    time: "seconds",
    args: "<pattern> [files...]",
  },
  "test:cluster": {
    purpose:
      "Runs the suites of test/cluster: a real API server, the chart, real pods. If KUBECONFIG is set, they use that cluster",
    needs: `root, Go, openssl, curl, python3-venv, ${NODE_PACKAGES}`,
    time: "10 minutes; the first run builds Kubernetes, 15 more",
    options: {
      only: namesOption("--only <part>", "run only this part", CLUSTER_PARTS),
      kubernetes: optionalTextOption(
        "--kubernetes <minor>",
        "a further release of Kubernetes that test/cluster/kubernetes/build.sh can build: 1.34",
      ),
      publish: publishOption("test/cluster/release-runs.json, each part that passes; with --kubernetes"),
    },
  },
  "test/cluster/control-plane.ts": {
    purpose: "Tests podrole's programs as processes of this host against a real API server",
    needs: "Go, openssl, curl, python3-venv",
    time: "3 minutes; the first run builds Kubernetes, 9 more",
    options: {
      pods: optionalTextOption(
        "--pods <folder>",
        "instead, send the pods of this folder's YAML files through podrole inject and the webhook",
      ),
      publish: publishOption("test/cluster/public-pods/results.json"),
    },
  },
  "test/cluster/chart/main.ts": {
    purpose: "Tests the chart and the kustomize manifests with Helm and kubectl against a real API server",
    needs: "Go, openssl, curl, python3-venv",
    time: "2 minutes; the first run builds Helm, 2 more",
  },
  "test/cluster/node/main.ts": {
    purpose:
      "Tests podrole's images on a real node: kubelet, pods, installation by kustomize and by Helm (test/cluster/node/README.md)",
    needs: `root, ${NODE_PACKAGES}`,
    time: "7 minutes",
    options: {
      only: optionalTextsOption("--only <topic>", "run only this file, named without .test.ts (repeatable)"),
      install: namesOption("--install <method>", "how podrole is installed", ["kustomize", "helm", "try", "artefacts"]),
      keep: switchOption("--keep", "keep the node running, and print how to use and stop it"),
      publish: publishOption("the figures of test/cluster/node that docs/ca.md and docs/pod-certificates.md show"),
      images: optionalTextOption("--images <folder>", "only build the images and write their archives to this folder"),
      artefacts: optionalTextOption(
        "--artefacts <folder>",
        "install the artefacts that npm run release:dry wrote to this folder",
      ),
    },
  },
  "test:sdk": {
    purpose: "Runs unmodified AWS SDKs against podrole and compares with docs/sdk-conformance.md",
    needs:
      "Python 3.10 or newer with venv (Debian: python3-venv), Go 1.26; with --all also a JDK, Maven and Rust 1.94.1",
    time: "2 minutes, --all about 10; the first run installs the SDKs",
    options: {
      all: switchOption(
        "--all",
        "also run the further SDKs: Go v1, Java v2 and v1, Rust, C++, the Common Runtime and minio-go",
      ),
      only: optionalTextsOption("--only <id>", "run only this SDK, by its name in test/sdk/sdks.ts (repeatable)"),
      update: switchOption(
        "--update",
        "write the outcomes to results.json, from which npm run generate makes docs/sdk-conformance.md",
      ),
    },
  },
  "test:package": {
    purpose: "Packs the npm package, installs it into empty folders, and runs it with Node 22.19, 24 and 26",
    requires: [debian("zsh", "zsh", "zsh"), debian("fish", "fish", "fish")],
    time: "1 minute; the first run fetches the older two",
  },
  "test:browser": {
    purpose:
      "Opens the site and the page of podrole ui in headless Chromium: links, search, playground, every view in both themes and widths, axe-core; with UPDATE=1 it makes the pictures of docs/ui.md",
    requires: [CHROMIUM],
    time: "1 minute",
  },
  "test:alerts": {
    purpose: "Tests the alert rules with promtool: each alert fires in one scenario and not in another",
    requires: [debian("promtool", "promtool", "prometheus")],
    time: "seconds",
  },
  fuzz: {
    purpose: "Passes hostile inputs to every parser, and sends some of them over sockets to the real programs",
    time: "3 000 inputs a second on a busy machine",
    options: {
      inputs: numberOption("--inputs <number>", "how many inputs", 200_000, { min: 1, max: 1e12 }),
      sockets: optionalNumberOption("--sockets <number>", "how many of them over sockets (default: 2 %)", {
        min: 0,
        max: 1e12,
      }),
      seed: optionalNumberOption("--seed <number>", "the seed of a run to repeat (default: the time)", {
        min: 0,
        max: 2 ** 31,
      }),
      target: textOption("--target <text>", "use only targets whose names contain the text", ""),
      keep: switchOption("--keep", "add a failing input to the corpus, which npm test replays"),
      publish: publishOption("test/fuzz/results.json"),
    },
  },
  "test:attack": {
    purpose:
      "Runs each attack against the real programs in cgroups with the manifests' memory limits, the attacker on one core, ordinary callers beside it",
    requires: [CGROUPS, debian("taskset", "taskset", "util-linux")],
    time: "15 minutes, with --short 4",
    options: {
      short: switchOption("--short", "at most 4 minutes, for CI, without an assessment of latencies"),
      row: rowText("attacks"),
      publish: publishOption("test/attack/results.json"),
    },
  },
  "test:fault": {
    purpose: "Injects each fault of docs/faults.md into the real programs while an app uses them",
    requires: [debian(LIBFAKETIME, "libfaketime", "libfaketime")],
    needs: "root for rows that mount volumes or limit other processes; strace for two rows",
    time: "45 minutes, with --short 4",
    options: {
      short: switchOption("--short", "at most 5 minutes, for CI"),
      row: rowText("faults"),
      publish: publishOption("test/fault/results.json; with --row, only those rows of it"),
    },
  },
  "test:mutations": {
    purpose:
      "Makes each deliberate break of test/mutations/mutations.ts in a copy of the sources, and fails if no suite finds it",
    time: "1 minute",
    options: {
      row: textOption("--row <text>", "make only breaks of files whose path contains the text", ""),
      publish: publishOption("test/mutations/results.json, unless --row omits breaks"),
    },
  },
  simulate: {
    purpose:
      "Runs servers, webhooks and sidecars on one virtual clock with random faults from a seed, and checks that no pod is without valid credentials unless a fault explains it (exit code 1: a rule was broken)",
    time: "0.03 s of CPU for each pod and day with long lifetimes, 0.1 s with the default ones; with --short 1 minute",
    options: {
      days: numberOption("--days <number>", "virtual time", 90, { min: 0, max: 3_650, isWhole: false }),
      pods: numberOption("--pods <number>", "number of pods", 500, { min: 1, max: 10_000 }),
      seed: numberOption("--seed <number>", "the first seed; the same seed repeats a run", 1, { min: 0, max: 2 ** 31 }),
      seeds: numberOption("--seeds <number>", "number of seeds", 1, { min: 1, max: 1e6 }),
      realCryptography: switchOption("--real-cryptography", "real keys, signatures and DER; about ten times slower"),
      scenario: optionalTextOption("--scenario <file>", "run a scenario that was kept, instead of a seed"),
      publish: publishOption("test/simulate/results.json"),
      keep: switchOption("--keep", "keep a failing scenario, shrunk, in test/simulate/kept/, which npm test repeats"),
      short: switchOption(
        "--short",
        "what CI runs: 3 seeds of 2 days with 30 pods, and 6 hours of 20 pods with real cryptography",
      ),
    },
  },
  ...BENCHES,
  dashboard: {
    purpose: "Draws the Grafana dashboard as a page, without Grafana, from metrics of podrole under a small load",
    needs: "Prometheus (Debian: prometheus) unless --prometheus is set; Chromium (Debian: chromium) for --png",
    time: "5 minutes",
    options: {
      prometheus: optionalTextOption(
        "--prometheus <url>",
        "draw the data of this Prometheus instead of starting podrole and one",
      ),
      minutes: optionalNumberOption(
        "--minutes <number>",
        "time range to draw with --prometheus (default 180), or duration of the load (default 4)",
        { min: 0, max: 10_000, isWhole: false },
      ),
      out: textOption("--out <file>", "write the page to this file", "dashboard.html"),
      png: optionalTextOption("--png <file>", "also write a screenshot"),
    },
  },
} as const satisfies Readonly<Record<string, ScriptUsage>>;

export type ScriptName = keyof typeof SCRIPTS;

/** The suites that test/README.md lists, in its order. */
export const SUITES = (Object.keys(SCRIPTS) as ScriptName[]).filter((name) =>
  /^(?:test:(?!one)|bench|fuzz$|simulate$|dashboard$)/.test(name),
);
