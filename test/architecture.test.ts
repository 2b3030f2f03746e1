// The arrows of ARCHITECTURE.md, by the import statements of src. Each guard is a function of the sources and is tried
// on a planted fault as well: a guard that sees nothing would be green for ever.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type Import, importsOf, readSources } from "./story/sources.ts";

type Sources = ReadonlyMap<string, string>;
/** Returns every violation, in words. */
type Guard = (sources: Sources) => readonly string[];

const sources = readSources("src");

const LIBRARIES = ["runtime", "policy", "pki", "protocol", "kubernetes"];
/** Which folders of src a folder may use, besides itself. Absent: all of them. */
const MAY_USE: Readonly<Record<string, readonly string[]>> = {
  runtime: [],
  protocol: ["runtime"],
  pki: ["runtime", "protocol"],
  policy: ["runtime", "protocol"],
  kubernetes: ["runtime", "protocol"],
  webhook: LIBRARIES,
  server: LIBRARIES,
  sidecar: ["runtime", "protocol", "pki"],
  emulators: ["runtime", "protocol", "pki", "kubernetes"],
};
/** Types alone: the shape of a Pod. */
const MAY_USE_TYPES: Readonly<Record<string, readonly string[]>> = { policy: ["kubernetes"] };

function folderOf(path: string): string | undefined {
  return /^src\/([^/]+)\//.exec(path)?.[1];
}

const arrow = ({ from, to }: Import) => `${from} → ${to}`;

const foldersKeepToTheirArrows: Guard = (given) =>
  importsOf(given)
    .filter(({ from, to, typeOnly }) => {
      const [own = "", other] = [folderOf(from), folderOf(to)];
      if (other === undefined || other === own || (typeOnly && MAY_USE_TYPES[own]?.includes(other))) return false;
      return MAY_USE[own]?.includes(other) === false;
    })
    .map(arrow);

/** Who may import a module: files, or folders that end in "/". */
const OWNERS: readonly { readonly module: RegExp; readonly owners: readonly string[] }[] = [
  { module: /^@aws-sdk\//, owners: ["src/server/sts.ts", "src/cli/demo/app.ts"] },
  { module: /^@kubernetes\/client-node/, owners: ["src/kubernetes/client.ts"] },
  { module: /^@grpc\/grpc-js/, owners: ["src/protocol/"] },
  { module: /^node-forge/, owners: ["src/pki/"] },
  { module: /^re2js/, owners: ["src/policy/"] },
  { module: /^fastify/, owners: ["src/webhook/app.ts", "src/runtime/pages.ts"] },
  { module: /^prom-client/, owners: ["src/runtime/metrics.ts"] },
  { module: /^src\/emulators\//, owners: ["src/emulators/", "src/cli/demo/"] },
];

const modulesHaveOneOwner: Guard = (given) =>
  importsOf(given)
    .filter(({ from, to }) =>
      OWNERS.some(
        ({ module, owners }) =>
          module.test(to) && !owners.some((owner) => (owner.endsWith("/") ? from.startsWith(owner) : from === owner)),
      ),
    )
    .map(arrow);

/** The global of Node, not a variable of that name: those are declared in the file that uses them. */
const PROCESS =
  /(?<![\w.$"'`-])process\.(argv|env|exit|exitCode|stdin|stdout|stderr|on|once|off|kill|pid|cwd|execPath|execArgv|memoryUsage|hrtime)\b/;

/** The app of the demo stands for somebody else's. */
const onlyMainSeesTheProcess: Guard = (given) =>
  [...given]
    .filter(([path]) => !path.endsWith("/main.ts") && path !== "src/cli/demo/app.ts")
    .flatMap(([path, text]) =>
      text
        .split("\n")
        .filter((line) => !/^\s*(\/\/|\*|\/\*)/.test(line) && PROCESS.test(line))
        .map((line) => `${path}: ${line.trim()}`),
    );

const noFileIsLong: Guard = (given) =>
  [...given]
    .map(([path, text]) => ({ path, lines: text.trimEnd().split("\n").length }))
    .filter(({ lines }) => lines > 350)
    .map(({ path, lines }) => `${path}: ${lines} lines`);

/** Of what is there when the program runs: an import of types alone closes no circle. */
const nothingGoesInCircles: Guard = (given) => {
  const edges = Map.groupBy(
    importsOf(given).filter(({ typeOnly }) => !typeOnly),
    ({ from }) => from,
  );
  const done = new Set<string>();
  const circles: string[] = [];
  function visit(path: string, way: readonly string[]): void {
    if (way.includes(path)) return void circles.push([...way.slice(way.indexOf(path)), path].join(" → "));
    if (done.has(path)) return;
    for (const { to } of edges.get(path) ?? []) visit(to, [...way, path]);
    done.add(path);
  }
  for (const path of given.keys()) visit(path, []);
  return circles;
};

const STARTS_NOTHING = /^(await |void |[a-z]\w*\(|new |setInterval\(|setTimeout\()/;

/** Importing defines. Entries and the demo's app run; a child of the shell's starts them. */
const importingOnlyDefines: Guard = (given) =>
  [...given]
    .filter(([path]) => !path.endsWith("/main.ts") && path !== "src/cli/demo/app.ts")
    .flatMap(([path, text]) =>
      withoutTemplates(text)
        .split("\n")
        .filter((line) => STARTS_NOTHING.test(line))
        .map((line) => `${path}: ${line}`),
    );

/** Lines of a text that is several lines long are no statements. */
function withoutTemplates(text: string): string {
  return text.replaceAll(/`(?:[^`\\]|\\.)*`/gs, "``");
}

const GUARDS: readonly {
  readonly name: string;
  readonly guard: Guard;
  readonly planted: readonly [string, string][];
}[] = [
  {
    name: "folders use only the folders that they may",
    guard: foldersKeepToTheirArrows,
    planted: [
      ["src/policy/a.ts", 'import { b } from "../server/b.ts";'],
      ["src/webhook/a.ts", 'import type { B } from "../sidecar/b.ts";'],
      ["src/server/a.ts", 'const b = await import("../webhook/b.ts");'],
      ["src/runtime/a.ts", 'export {\n  b,\n} from "../policy/b.ts";'],
    ],
  },
  {
    name: "modules are imported by their owners alone",
    guard: modulesHaveOneOwner,
    planted: [
      ["src/server/a.ts", 'import { STSClient } from "@aws-sdk/client-sts";'],
      ["src/kubernetes/a.ts", 'import type { V1Pod } from "@kubernetes/client-node";'],
      ["src/sidecar/a.ts", 'import { status } from "@grpc/grpc-js";'],
      ["src/server/a.ts", 'import asn1 from "node-forge/lib/asn1.js";'],
      ["src/cli/a.ts", 'import { setStage } from "../emulators/stage.ts";'],
    ],
  },
  {
    name: "only main.ts files see the process",
    guard: onlyMainSeesTheProcess,
    planted: [["src/server/a.ts", 'const region = process.env["AWS_REGION"];']],
  },
  {
    name: "no file has more than 350 lines",
    guard: noFileIsLong,
    planted: [["src/server/a.ts", "// line\n".repeat(351)]],
  },
  {
    name: "imports do not go in circles",
    guard: nothingGoesInCircles,
    planted: [
      [
        "src/pki/a.ts",
        'import { a } from "./a.ts";', // The shortest circle there is.
      ],
    ],
  },
  {
    name: "importing a file only defines",
    guard: importingOnlyDefines,
    planted: [["src/server/a.ts", "startServer();"]],
  },
];

suite("src", () => {
  test("the sources are read", () => {
    assert.ok(sources.size > 150, `${sources.size} files`);
    assert.ok(importsOf(sources).length > 500);
  });

  for (const { name, guard, planted } of GUARDS) {
    test(name, () => {
      assert.deepEqual(guard(sources), []);
    });

    test(`${name}: a planted fault is seen`, () => {
      for (const fault of planted) assert.equal(guard(new Map([fault])).length, 1, fault.join(": "));
    });
  }

  test("imports do not go in circles: one over three files is seen", () => {
    const ring = new Map([
      ["src/pki/a.ts", 'import { b } from "./b.ts";'],
      ["src/pki/b.ts", 'import { c } from "./c.ts";'],
      ["src/pki/c.ts", 'import { a } from "./a.ts";'],
    ]);
    assert.deepEqual(nothingGoesInCircles(ring), ["src/pki/a.ts → src/pki/b.ts → src/pki/c.ts → src/pki/a.ts"]);
  });
});
