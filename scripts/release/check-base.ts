// npm run check:base: whether the base images that the Dockerfiles pin are still what their tags name. Exit code 1: one
// is old; 2: a registry did not answer. Needs the network.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startScript } from "../command-line/start-script.ts";
import { ROOT } from "../root.ts";
import { IMAGES } from "./images.ts";
import { pinnedBaseOf, pinStateOf } from "./pinned-base.ts";

startScript("check:base");
for (const dockerfile of Object.values(IMAGES)) {
  const pinned = pinnedBaseOf(readFileSync(join(ROOT, dockerfile), "utf8"));
  if (pinned === undefined)
    throw new Error(`Cannot check ${dockerfile}: it pins no base; expected ARG BASE=…@sha256:…`);
  const result = await pinStateOf(pinned, { timeoutMs: 10_000 });
  const base = `${dockerfile}: ${pinned.host}/${pinned.name}:${pinned.tag}`;
  if (result.state === "current") console.log(`${base} is current`);
  if (result.state === "old") console.log(`${base} is old: the tag names ${result.digest}, pinned is ${pinned.digest}`);
  if (result.state === "unknown") console.log(`${base}: ${result.problem}`);
  const code = { current: 0, old: 1, unknown: 2 }[result.state];
  process.exitCode = Math.max(Number(process.exitCode ?? 0), code);
}
