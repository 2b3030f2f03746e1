// Signs the artefacts as a release does, with a key that is removed at the end, and verifies them: files by a signature
// beside them, images and chart in a registry of this process.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { createRegistryEmulator, type RegistryEmulator } from "../../emulators/registry/emulator.ts";
import { releaseFileNames, signatureNameOf } from "./file-names.ts";
import { IMAGE_NAMES, type ImageName } from "./images.ts";
import type { OciArchive, OciDescriptor } from "./oci-archive.ts";
import { type Signed, signatureVerifications } from "./signature-verification.ts";
import { createSigner } from "./signer.ts";
import { runBeside } from "./tools.ts";
import { runVerifications } from "./verification.ts";

/** What is signed, and the programs that do it. */
export interface SigningOptions {
  readonly version: string;
  /** Folder of the artefacts; the signatures are written beside them. */
  readonly directory: string;
  /** An empty folder. */
  readonly scratch: string;
  /** Names of the artefacts. */
  readonly files: readonly string[];
  /** The images, unpacked. */
  readonly archives: Readonly<Record<ImageName, OciArchive>>;
  /** Predicate of the images' origin. */
  readonly provenance: object;
  /** Paths of the programs. */
  readonly cosign: string;
  readonly helm: string;
  readonly print: (line: string) => void;
}

/**
 * Writes the signatures, verifies each of them, and verifies that false ones are refused. Throws if one of them ends
 * otherwise.
 */
export async function rehearseSigning(options: SigningOptions): Promise<void> {
  const registry = createRegistryEmulator();
  await registry.listen();
  try {
    const signed = await signAll(registry, options);
    await runVerifications(signatureVerifications(signed), { cwd: options.directory, print: options.print });
  } finally {
    await registry.close();
    rmSync(join(options.scratch, "release.key"), { force: true });
  }
}

async function signAll(registry: RegistryEmulator, options: SigningOptions): Promise<Signed> {
  const { version, directory, scratch, files, archives, provenance, cosign, helm } = options;
  const names = releaseFileNames(version);
  const signer = await createSigner(cosign, scratch, "release");
  const other = await createSigner(cosign, scratch, "other");
  for (const file of files) await signer.signFile(join(directory, file), join(directory, signatureNameOf(file)));

  const predicate = join(scratch, "provenance.json");
  writeFileSync(predicate, JSON.stringify(provenance));
  const attested: string[] = [];
  for (const name of IMAGE_NAMES) {
    const digest = pushArchive(registry, name, archives[name]);
    const reference = `${registry.host}/${name}@${digest}`;
    await signer.signImage(reference);
    await signer.attest(reference, "cyclonedx", join(directory, names.sbom(name)));
    await signer.attest(reference, "slsaprovenance1", predicate);
    attested.push(reference);
  }
  const chart = await pushChart(registry, helm, join(directory, names.chart));
  await signer.signImage(chart);

  const [first = ""] = files;
  const changedFile = join(scratch, `changed-${basename(first)}`);
  writeFileSync(changedFile, withOneChangedByte(readFileSync(join(directory, first))));
  const unsigned = registry.repository("unsigned").addManifest("1", OCI_MANIFEST, Buffer.from(UNSIGNED));
  return {
    cosign,
    publicKey: signer.publicKey,
    otherKey: other.publicKey,
    files: files.map((file) => ({ file, bundle: signatureNameOf(file) })),
    changedFile,
    images: [...attested, chart],
    attested,
    unsignedImage: `${registry.host}/unsigned@${unsigned?.digest}`,
  };
}

const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const UNSIGNED = '{"schemaVersion":2}';

/** Puts everything of an OCI archive into a repository; returns the digest of its image index. */
function pushArchive(registry: RegistryEmulator, name: string, archive: OciArchive): string {
  const contents = registry.repository(name);
  const read = (digest: string) => readFileSync(archive.fileOf(digest));
  const push = ({ digest, mediaType }: OciDescriptor): void => {
    const { manifests = [], layers = [], config } = archive.manifestOf(digest);
    for (const manifest of manifests) push(manifest);
    for (const blob of config === undefined ? layers : [config, ...layers]) contents.addBlob(read(blob.digest));
    contents.addManifest(digest, mediaType, read(digest));
  };
  push(archive.index);
  return archive.index.digest;
}

/** Returns the chart's reference by digest, which Helm prints. */
async function pushChart(registry: RegistryEmulator, helm: string, archive: string): Promise<string> {
  const { code, output } = await runBeside(helm, ["push", archive, `oci://${registry.host}/charts`, "--plain-http"]);
  const [digest] = /sha256:[0-9a-f]{64}/.exec(output) ?? [];
  if (code !== 0 || digest === undefined) throw new Error(`Cannot push the chart: helm exited with ${code}: ${output}`);
  return `${registry.host}/charts/podrole@${digest}`;
}

function withOneChangedByte(bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  const middle = Math.floor(changed.length / 2);
  changed[middle] = (changed[middle] ?? 0) ^ 1;
  return changed;
}
