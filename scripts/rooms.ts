// The rooms of the code and the imports that each may have, as one table. oxlint.config.ts turns it into lint rules and
// test/architecture.test.ts checks the sources against it, so that both enforce the same rules.

export interface Room {
  /** Rooms that it may import, besides itself. */
  readonly uses: readonly string[];
  /** Rooms from which it may import only types. */
  readonly types?: readonly string[];
  /** Single pure files of other rooms, below src/, that it may also import. */
  readonly files?: readonly string[];
}

const LIBRARY_ROOMS = ["runtime", "protocol", "pki", "policy", "kubernetes"];

/** By folder: below `src/`, except `emulators`. Ordered by dependency: a room uses only rooms above it in this list. */
export const ROOMS: Readonly<Record<string, Room>> = {
  runtime: { uses: [] },
  protocol: { uses: ["runtime"] },
  pki: { uses: ["runtime", "protocol"] },
  kubernetes: { uses: ["runtime", "protocol"] },
  policy: { uses: ["runtime", "protocol"], types: ["kubernetes"] },
  injection: {
    uses: ["runtime", "protocol", "policy"],
    types: ["kubernetes"],
    files: ["kubernetes/quantity.ts", "kubernetes/selectors.ts"],
  },
  settings: {
    uses: ["runtime", "policy"],
    types: ["injection", "pki"],
    files: ["kubernetes/quantity.ts", "pki/identity.ts"],
  },
  sidecar: { uses: ["runtime", "protocol", "pki"] },
  // Each program reads its own settings only.
  server: { uses: [...LIBRARY_ROOMS, "injection"], files: ["settings/server.ts"] },
  webhook: {
    uses: [...LIBRARY_ROOMS, "injection"],
    files: ["settings/webhook.ts", "settings/plan-settings.ts"],
  },
  emulators: { uses: ["runtime", "protocol", "pki", "kubernetes"] },
  operations: { uses: [...LIBRARY_ROOMS, "injection", "settings"] },
  cli: { uses: [...LIBRARY_ROOMS, "injection", "settings", "sidecar", "server", "webhook", "operations", "emulators"] },
};

/** Rooms inside a program, by folder, with the siblings that each may import. */
export const INNER_ROOMS: Readonly<Record<string, Room>> = {
  "server/trust": { uses: [] },
  "server/turns": { uses: [] },
  "server/aws": { uses: ["turns"] },
  "server/issue": { uses: ["aws", "turns"] },
  "server/signer": { uses: ["issue", "turns"] },
  "server/observability": { uses: ["aws", "issue"] },
  "server/state": { uses: ["issue", "trust"] },
  "sidecar/files": { uses: [] },
  "sidecar/renewal": { uses: ["files"] },
  "sidecar/http": { uses: ["renewal"] },
  "cli/arguments": { uses: [] },
  "cli/output": { uses: [] },
  "cli/page": { uses: ["output"] },
  "cli/commands": { uses: ["arguments", "output", "page"] },
};

/** Modules that only their owners may import, so that a change of STS affects one file. A folder ends in "/". */
export const MODULE_OWNERS: readonly { readonly module: string; readonly owners: readonly string[] }[] = [
  { module: "@aws-sdk", owners: ["src/server/aws/sts.ts", "src/cli/demo/app.ts", "emulators/try/app.ts"] },
  { module: "@kubernetes/client-node", owners: ["src/kubernetes/client.ts"] },
  { module: "@grpc/grpc-js", owners: ["src/protocol/"] },
  { module: "node-forge", owners: ["src/pki/"] },
  { module: "re2js", owners: ["src/policy/"] },
  {
    module: "fastify",
    owners: ["src/webhook/app.ts", "src/webhook/bodies.ts", "src/runtime/pages.ts", "src/server/state/state-app.ts"],
  },
  { module: "prom-client", owners: ["src/runtime/metrics.ts"] },
  { module: "commander", owners: ["src/cli/"] },
];

/** Returns the path of a room's folder from the root. */
export function folderOfRoom(room: string): string {
  return room === "emulators" ? "emulators" : `src/${room}`;
}

/** What a room may import, as ARCHITECTURE.md writes it: "runtime, protocol, types of kubernetes". */
export function importsInWords(room: string): string {
  const names = Object.keys(ROOMS);
  const { uses = [], types = [], files = [] } = ROOMS[room] ?? {};
  if (uses.length === names.length - 1) return "everything";
  const partly = files.flatMap((file) => file.split("/")[0] ?? []).filter((name) => !types.includes(name));
  const inOrder = (list: readonly string[]) => names.filter((name) => list.includes(name));
  return [
    ...inOrder(uses),
    ...(types.length > 0 ? [`types of ${inOrder(types).join(" and ")}`] : []),
    ...(partly.length > 0 ? [`single files of ${inOrder(partly).join(" and ")}`] : []),
  ].join(", ");
}
