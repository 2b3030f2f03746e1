// Checks the sources against the rules of ARCHITECTURE.md and scripts/rooms.ts. Each guard is a function of the sources
// and also runs on planted violations, because a guard that finds nothing would always pass.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { INNER_ROOMS, MODULE_OWNERS, ROOMS } from "../scripts/rooms.ts";
import { type Import, importsOf, readSources } from "./story/sources.ts";
import { unreadMembers } from "./unread-members.ts";

type Sources = ReadonlyMap<string, string>;
/** Returns a description of every violation. */
type Guard = (sources: Sources) => readonly string[];

const sources: Sources = new Map(["src", "emulators", "ui"].flatMap((folder) => Array.from(readSources(folder))));

function roomOf(path: string): string | undefined {
  return /^(?:src\/)?([^/]+)\//.exec(path)?.[1];
}

/** Returns "server/trust" for "src/server/trust/ownership.ts". */
function innerRoomOf(path: string): string | undefined {
  return Object.keys(INNER_ROOMS).find((room) => path.startsWith(`src/${room}/`));
}

const isOurs = (path: string) => /^(src|emulators)\//.test(path);

const arrow = ({ from, to }: Import) => `${from} → ${to}`;

const roomsImportOnlyAllowedRooms: Guard = (given) =>
  importsOf(given)
    .filter(({ from, to, typeOnly }) => {
      const [own = "", other = ""] = [roomOf(from), roomOf(to)];
      const room = ROOMS[own];
      if (room === undefined || other === own || !Object.hasOwn(ROOMS, other) || !isOurs(to)) return false;
      if (room.files?.some((file) => to === `src/${file}`)) return false;
      return !room.uses.includes(other) && !(typeOnly && room.types?.includes(other) === true);
    })
    .map(arrow);

const innerRoomsImportOnlyAllowedSiblings: Guard = (given) =>
  importsOf(given)
    .filter(({ from, to }) => {
      const [own, other] = [innerRoomOf(from), innerRoomOf(to)];
      if (own === undefined || other === undefined || own === other || roomOf(from) !== roomOf(to)) return false;
      return INNER_ROOMS[own]?.uses.includes(other.split("/")[1] ?? "") !== true;
    })
    .map(arrow);

/** The server's root files (openings) build the rooms below them, so no room may import one. */
const serverRoomsImportNoRootFile: Guard = (given) =>
  importsOf(given)
    .filter(({ from, to }) => /^src\/server\/[^/]+\//.test(from) && /^src\/server\/[^/]+$/.test(to))
    .map(arrow);

const modulesHaveOneOwner: Guard = (given) =>
  importsOf(given)
    .filter(({ from, to }) =>
      MODULE_OWNERS.some(
        ({ module, owners }) =>
          (to === module || to.startsWith(`${module}/`)) &&
          !owners.some((owner) => (owner.endsWith("/") ? from.startsWith(owner) : from === owner)),
      ),
    )
    .map(arrow);

/** Only the demo and the tests use the emulators: no program and no operation may import them. */
const onlyTheDemoUsesEmulators: Guard = (given) =>
  importsOf(given)
    .filter(({ from, to }) => to.startsWith("emulators/") && !/^(emulators|src\/cli\/demo)\//.test(from))
    .map(arrow);

/** Uses of Node's global `process`, recognized by its members. */
const PROCESS =
  /(?<![\w.$"'`-])process\.(argv|env|exit|exitCode|stdin|stdout|stderr|on|once|off|kill|pid|cwd|execPath|execArgv|memoryUsage|hrtime)\b/;

/** The demo's app is exempt: it represents a user's app. */
const onlyMainSeesTheProcess: Guard = (given) =>
  [...given]
    .filter(([path]) => !path.endsWith("/main.ts") && path !== "src/cli/demo/app.ts")
    .flatMap(([path, text]) =>
      text
        .split("\n")
        .filter((line) => !/^\s*(\/\/|\*|\/\*)/.test(line) && PROCESS.test(line))
        .map((line) => `${path}: ${line.trim()}`),
    );

/** Node's modules and globals that access a clock, randomness, the network, files or the process. */
const IMPURE =
  /"node:(?!util")|\b(?:Date\.now|new Date\(\)|performance\.|Math\.random|set(?:Timeout|Interval)\(|fetch\(|process\.|crypto\.|console\.)/;

/**
 * Injection is a pure function from pod to pod: the same input gives the same plan in the webhook and on the command
 * line.
 */
const injectionIsPure: Guard = (given) =>
  [...given]
    .filter(([path]) => path.startsWith("src/injection/"))
    .flatMap(([path, text]) =>
      text
        .split("\n")
        .filter((line) => !/^\s*(\/\/|\*|\/\*)/.test(line) && IMPURE.test(line))
        .map((line) => `${path}: ${line.trim()}`),
    );

const noFileIsLong: Guard = (given) =>
  [...given]
    .map(([path, text]) => ({ path, lines: text.trimEnd().split("\n").length }))
    .filter(({ lines }) => lines > 350)
    .map(({ path, lines }) => `${path}: ${lines} lines`);

/** Considers only imports that exist at run time: an import of types closes no cycle. */
const noImportCycles: Guard = (given) => {
  const edges = Map.groupBy(
    importsOf(given).filter(({ typeOnly }) => !typeOnly),
    ({ from }) => from,
  );
  const done = new Set<string>();
  const cycles: string[] = [];
  function visit(path: string, ancestors: readonly string[]): void {
    if (ancestors.includes(path))
      return void cycles.push([...ancestors.slice(ancestors.indexOf(path)), path].join(" → "));
    if (done.has(path)) return;
    for (const { to } of edges.get(path) ?? []) visit(to, [...ancestors, path]);
    done.add(path);
  }
  for (const path of given.keys()) visit(path, []);
  return cycles;
};

/** Members that a generator, another program or a library reads: in JSON, in the pod spec, as options of TLS. */
const READ_ELSEWHERE = [
  "AdmissionLine.durationMs",
  "AdmissionLine.groupsOmitted",
  "AdmissionLine.patchDigest",
  "AdmissionLine.rolesOmitted",
  "AdmissionLine.warningsOmitted",
  "CallerTls.rejectUnauthorized",
  "CallerTls.secureOptions",
  "Container.hostPort",
  "CredentialsLine.containersOmitted",
  "ErrorRow.actors",
  "Operation.op",
  "Parser.schema",
  "PatchOperation.op",
];
/** Members through which tests observe what programs have no use for. */
const READ_BY_TESTS = ["StateRead.isComplete"];

/** A value that nobody reads is dead code (emulators are read by tests). */
const membersAreRead: Guard = (given) =>
  unreadMembers(given).filter((found) =>
    [...READ_ELSEWHERE, ...READ_BY_TESTS].every((member) => !found.endsWith(`: ${member}`)),
  );

const TOP_LEVEL_CALL = /^(await |void |[a-z]\w*\(|new |setInterval\(|setTimeout\()/;

/** Importing a module must only define. Entries and the demo's app are exempt: they are started as processes. */
const importingOnlyDefines: Guard = (given) =>
  [...given]
    .filter(([path]) => !path.endsWith("/main.ts") && path !== "src/cli/demo/app.ts")
    .flatMap(([path, text]) =>
      withoutTemplates(text)
        .split("\n")
        .filter((line) => TOP_LEVEL_CALL.test(line))
        .map((line) => `${path}: ${line}`),
    );

/** Removes template literals, whose lines could look like statements. */
function withoutTemplates(text: string): string {
  return text.replaceAll(/`(?:[^`\\]|\\.)*`/gs, "``");
}

/** Rooms in which every exported function, type and table has a docstring. */
const DOCUMENTED = new Set(["cli", "injection", "operations", "settings", "sidecar"]);

const exportsAreDocumented: Guard = (given) =>
  [...given]
    .filter(([path]) => DOCUMENTED.has(roomOf(path) ?? ""))
    .flatMap(([path, text]) =>
      [...text.matchAll(/^(.*)\nexport (?:async )?(?:function\*?|interface|type|const|class) (\w+)/gm)]
        .filter(([, before = ""]) => !before.trimEnd().endsWith("*/"))
        .map(([, , name = ""]) => `${path}: ${name}`),
    );

const GUARDS: readonly {
  readonly name: string;
  readonly guard: Guard;
  readonly planted: readonly [string, string][];
}[] = [
  {
    name: "rooms import only the rooms that they may",
    guard: roomsImportOnlyAllowedRooms,
    planted: [
      ["src/policy/a.ts", 'import { b } from "../server/b.ts";'],
      ["src/webhook/a.ts", 'import type { B } from "../sidecar/b.ts";'],
      ["src/server/a.ts", 'const b = await import("../webhook/b.ts");'],
      ["src/runtime/a.ts", 'export {\n  b,\n} from "../policy/b.ts";'],
      ["src/injection/a.ts", 'import { b } from "../webhook/b.ts";'],
      ["src/injection/a.ts", 'import { b } from "../kubernetes/client.ts";'],
      ["emulators/sts/a.ts", 'import { b } from "../../src/server/b.ts";'],
      ["src/operations/a.ts", 'import { b } from "../server/main.ts";'],
      ["src/operations/a.ts", 'import type { B } from "../webhook/b.ts";'],
      ["src/server/a.ts", 'import { b } from "../settings/webhook.ts";'],
      ["src/sidecar/a.ts", 'import { b } from "../settings/server.ts";'],
      ["src/operations/a.ts", 'import type { B } from "../cli/terminal.ts";'],
    ],
  },
  {
    name: "rooms inside a program import only the siblings that they may",
    guard: innerRoomsImportOnlyAllowedSiblings,
    planted: [
      ["src/server/aws/a.ts", 'import { b } from "../issue/b.ts";'],
      ["src/sidecar/files/a.ts", 'import { b } from "../http/b.ts";'],
      ["src/sidecar/renewal/a.ts", 'import { b } from "../http/b.ts";'],
      ["src/cli/output/a.ts", 'import type { B } from "../commands/b.ts";'],
    ],
  },
  {
    name: "rooms of the server import none of its root files",
    guard: serverRoomsImportNoRootFile,
    planted: [["src/server/trust/a.ts", 'import type { OpenedAws } from "../open-aws.ts";']],
  },
  {
    name: "only the demo uses the emulators",
    guard: onlyTheDemoUsesEmulators,
    planted: [
      ["src/cli/a.ts", 'import { startEmulatedCluster } from "../../emulators/cluster.ts";'],
      ["src/server/a.ts", 'import { startEmulatedCluster } from "../../emulators/cluster.ts";'],
    ],
  },
  {
    name: "only the owners of a module import it",
    guard: modulesHaveOneOwner,
    planted: [
      ["src/server/a.ts", 'import { STSClient } from "@aws-sdk/client-sts";'],
      ["src/kubernetes/a.ts", 'import type { V1Pod } from "@kubernetes/client-node";'],
      ["src/sidecar/a.ts", 'import { status } from "@grpc/grpc-js";'],
      ["src/server/a.ts", 'import asn1 from "node-forge/lib/asn1.js";'],
    ],
  },
  {
    name: "only main.ts files see the process",
    guard: onlyMainSeesTheProcess,
    planted: [["src/server/a.ts", 'const region = process.env["AWS_REGION"];']],
  },
  {
    name: "injection is pure",
    guard: injectionIsPure,
    planted: [
      ["src/injection/a.ts", 'import { readFileSync } from "node:fs";'],
      ["src/injection/a.ts", "const now = Date.now();"],
      ["src/injection/a.ts", 'const region = process.env["AWS_REGION"];'],
    ],
  },
  {
    name: "no file has more than 350 lines",
    guard: noFileIsLong,
    planted: [["src/server/a.ts", "// line\n".repeat(351)]],
  },
  {
    name: "there are no import cycles",
    guard: noImportCycles,
    planted: [
      [
        "src/pki/a.ts",
        'import { a } from "./a.ts";', // The shortest possible cycle.
      ],
    ],
  },
  {
    name: "every member of an interface is read",
    guard: membersAreRead,
    planted: [
      [
        "src/policy/a.ts",
        "export interface Decision {\n  readonly asked: boolean;\n}\nconst decision = { asked: true };",
      ],
      ["src/policy/a.ts", "type State =\n  | {\n  size(): number;\n}"],
      [
        "src/policy/a.ts",
        "interface Decision {\n  asked: boolean;\n}\nconst asked = true;\nexport const decision = { asked };",
      ],
      [
        "src/policy/a.ts",
        "interface Decision {\n  asked: boolean;\n}\nexport function f(it: Decision) { it.asked = true; }",
      ],
    ],
  },
  {
    name: "exports have a docstring",
    guard: exportsAreDocumented,
    planted: [["src/operations/a.ts", "\nexport function check(): void {}"]],
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

    test(`${name}: planted violations are found`, () => {
      for (const violation of planted) assert.equal(guard(new Map([violation])).length, 1, violation.join(": "));
    });
  }

  test("every member of an interface is read: each exemption is needed", () => {
    const unread = unreadMembers(sources).map((found) => found.split(": ")[1] ?? "");
    assert.deepEqual(unread.toSorted(), [...READ_ELSEWHERE, ...READ_BY_TESTS].toSorted());
  });

  test("there are no import cycles: a planted cycle of three files is found", () => {
    const ring = new Map([
      ["src/pki/a.ts", 'import { b } from "./b.ts";'],
      ["src/pki/b.ts", 'import { c } from "./c.ts";'],
      ["src/pki/c.ts", 'import { a } from "./a.ts";'],
    ]);
    assert.deepEqual(noImportCycles(ring), ["src/pki/a.ts → src/pki/b.ts → src/pki/c.ts → src/pki/a.ts"]);
  });
});
