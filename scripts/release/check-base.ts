// npm run check:base: whether the images that the Dockerfiles and the jobs of the workflows pin are still what their
// tags name. Exit code 1: one is old; 2: a registry did not answer. Needs the network.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { startScript } from "../command-line/start-script.ts";
import { ROOT } from "../root.ts";
import { IMAGES } from "./images.ts";
import { type PinnedImage, pinnedBaseOf, pinnedImageOf, pinStateOf } from "./pinned-base.ts";

startScript("check:base");
const WORKFLOWS = ".github/workflows";
const bases = Object.values(IMAGES).map((file) => ({ file, image: pinnedBaseOf(readCheckedFile(file)) }));
for (const { file, image } of [...bases, ...readdirSync(join(ROOT, WORKFLOWS)).flatMap(containersOf)]) {
  if (image === undefined)
    throw new Error(`Cannot check ${file}: it names an image without a digest; expected NAME:TAG@sha256:…`);
  const result = await pinStateOf(image, { timeoutMs: 10_000 });
  const name = `${file}: ${image.host}/${image.name}:${image.tag}`;
  if (result.state === "current") console.log(`${name} is current`);
  if (result.state === "old") console.log(`${name} is old: the tag names ${result.digest}, pinned is ${image.digest}`);
  if (result.state === "unknown") console.log(`${name}: ${result.problem}`);
  const code = { current: 0, old: 1, unknown: 2 }[result.state];
  process.exitCode = Math.max(Number(process.exitCode ?? 0), code);
}

function containersOf(name: string): readonly { readonly file: string; readonly image: PinnedImage | undefined }[] {
  const file = join(WORKFLOWS, name);
  const { jobs } = parse(readCheckedFile(file)) as {
    readonly jobs: Readonly<Record<string, { readonly container?: { readonly image: string } }>>;
  };
  return Object.values(jobs).flatMap(({ container }) =>
    container === undefined ? [] : { file, image: pinnedImageOf(container.image) },
  );
}

function readCheckedFile(file: string): string {
  return readFileSync(join(ROOT, file), "utf8");
}
