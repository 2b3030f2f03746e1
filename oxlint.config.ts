// Lint rules. The import rules come from scripts/rooms.ts, the same table that test/architecture.test.ts reads.
import { defineConfig, type OxlintOverride } from "oxlint";
import { folderOfRoom, INNER_ROOMS, MODULE_OWNERS, ROOMS } from "./scripts/rooms.ts";

interface Restriction {
  readonly group: string[];
  readonly message: string;
  readonly allowTypeImports?: boolean;
}

const owns = (owner: string, file: string) => (owner.endsWith("/") ? file.startsWith(owner) : file === owner);

/** Modules that the files below a path may not import. */
function foreignModules(path: string): Restriction[] {
  return MODULE_OWNERS.filter(({ owners }) => !owners.some((owner) => owns(owner, path))).map(({ module, owners }) => ({
    group: [module, `${module}/**`],
    message: `only ${owners.join(" and ")} may import it`,
  }));
}

/** Rooms that the files of a room may not import. */
function foreignRooms(room: string): Restriction[] {
  const { uses = [], types = [], files = [] } = ROOMS[room] ?? {};
  return Object.keys(ROOMS)
    .filter((other) => other !== room && !uses.includes(other))
    .map((other) => ({
      group: [`**/${other}/**`, ...files.filter((file) => file.startsWith(`${other}/`)).map((file) => `!**/${file}`)],
      message: `${room} may import ${[...uses, ...files, ...types.map((type) => `types of ${type}`)].join(", ")}`,
      allowTypeImports: types.includes(other),
    }));
}

function innerRooms(path: string): Restriction[] {
  const inner = Object.keys(INNER_ROOMS).find((room) => path.startsWith(`src/${room}/`)) ?? "";
  const siblings = Object.keys(INNER_ROOMS).filter((room) => room.split("/")[0] === inner.split("/")[0]);
  return siblings
    .map((room) => room.split("/")[1] ?? "")
    .filter((room) => !inner.endsWith(`/${room}`) && INNER_ROOMS[inner]?.uses.includes(room) !== true)
    .map((room) => ({ group: [`../${room}/**`], message: `${inner} does not use ${room}` }));
}

const restrict = (files: string, room: string, patterns: Restriction[]): OxlintOverride => ({
  files: [files],
  rules: { "no-restricted-imports": ["error", { patterns: [...foreignRooms(room), ...patterns] }] },
});

function roomOf(path: string): string {
  return Object.keys(ROOMS).find((room) => path.startsWith(`${folderOfRoom(room)}/`)) ?? "";
}

/** An override replaces the ones before it: rooms first, then rooms inside them, then single files. */
const imports = [
  ...Object.keys(ROOMS).map((room) => {
    const path = `${folderOfRoom(room)}/`;
    return restrict(`${path}**`, room, foreignModules(path));
  }),
  ...Object.keys(INNER_ROOMS).map((inner) => {
    const path = `src/${inner}/`;
    return restrict(`${path}**`, inner.split("/")[0] ?? "", [...foreignModules(path), ...innerRooms(path)]);
  }),
  ...MODULE_OWNERS.flatMap(({ owners }) => owners.filter((owner) => !owner.endsWith("/"))).map((file) =>
    restrict(file, roomOf(file), [...foreignModules(file), ...innerRooms(file)]),
  ),
];

export default defineConfig({
  plugins: ["typescript", "import", "unicorn", "oxc", "node"],
  categories: { correctness: "error", suspicious: "error", perf: "error" },
  options: { typeAware: true },
  rules: {
    "import/no-cycle": "error",
    "no-console": "error",
    "typescript/no-explicit-any": "error",
    "typescript/no-floating-promises": [
      "error",
      {
        allowForKnownSafeCalls: [{ from: "package", name: ["test", "it", "suite", "describe"], package: "node:test" }],
      },
    ],
    "typescript/no-misused-promises": "error",
    "typescript/switch-exhaustiveness-check": "error",
    "typescript/consistent-type-imports": "error",
    "typescript/await-thenable": "error",
    "node/no-process-env": "error",
    "max-lines": ["error", { max: 350 }],
    // Steps that depend on each other, and limits on calls in flight, need await in a loop.
    "no-await-in-loop": "off",
    // toSorted() is the rule here; sort() of an array that the function has just made is not a fault.
    "unicorn/no-array-sort": "off",
    // Unused parameters begin with an underscore.
    "no-underscore-dangle": "off",
    // Short names such as `name` and `status` recur in nested functions.
    "no-shadow": "off",
    // Objects of other programs (Kubernetes, STS, YAML) are read through types that describe what was checked.
    "typescript/no-unsafe-type-assertion": "off",
    // `return undefined` and `return` mean the same; the compiler checks the types.
    "typescript/consistent-return": "off",
    "consistent-return": "off",
    // Explicit arguments say what an empty collection holds.
    "typescript/no-unnecessary-type-arguments": "off",
    // A function stands beside the only code that calls it.
    "unicorn/consistent-function-scoping": "off",
    // Generated messages have enums that arrive as numbers.
    "typescript/no-unsafe-enum-assignment": "off",
    // A spread keeps the members of one topic on one line.
    "unicorn/no-useless-spread": "off",
    // Packages whose default export repeats its members.
    "import/no-named-as-default-member": "off",
  },
  ignorePatterns: ["src/protocol/generated", "dist", "node_modules", "test/cluster/**/node_modules"],
  overrides: [
    ...imports,
    {
      files: ["src/**", "emulators/**", "scripts/**"],
      rules: {
        "no-restricted-globals": [
          "error",
          ...["TypeError", "RangeError"].map((name) => ({
            name,
            message: "an Error says what failed, or a row of the error table does; these two are Node's own",
          })),
        ],
      },
    },
    {
      files: [
        "src/**/main.ts",
        "emulators/try/main.ts",
        "src/cli/demo/app.ts",
        "test/**",
        "scripts/**",
        "site/build.ts",
      ],
      rules: { "node/no-process-env": "off", "no-console": "off" },
    },
  ],
});
