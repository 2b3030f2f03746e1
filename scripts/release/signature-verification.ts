// The commands with which a user verifies the signatures of a release. Beside each kind of signature stand commands
// that must fail.
import { accepted, refused, type Verification } from "./verification.ts";

/** Files and references that the commands name. */
export interface Signed {
  readonly cosign: string;
  /** File of the public key, and of a key with which nothing was signed. */
  readonly publicKey: string;
  readonly otherKey: string;
  /** Signed files, each with the file of its signature. */
  readonly files: readonly { readonly file: string; readonly bundle: string }[];
  /** A copy of the first file with one changed byte. */
  readonly changedFile: string;
  /** Images and charts in a registry, by digest. */
  readonly images: readonly string[];
  /** Those of them that have a bill of materials and a statement of their origin. */
  readonly attested: readonly string[];
  /** An image without a signature. */
  readonly unsignedImage: string;
}

/** Returns the commands for signatures and attestations. */
export function signatureVerifications(signed: Signed): readonly Verification[] {
  const { cosign, publicKey, otherKey, files, changedFile, images, attested, unsignedImage } = signed;
  const [first] = files;
  const [image = ""] = images;
  if (first === undefined) throw new Error("Cannot verify signatures: no file is signed; expected at least one");
  const offline = "--insecure-ignore-tlog";
  const blob = (file: string, bundle: string, key = publicKey): Verification["command"] => [
    ...([cosign, "verify-blob", "--key", key, offline, "--bundle", bundle, file] as const),
  ];
  const registry = (reference: string, key = publicKey): Verification["command"] => [
    ...([cosign, "verify", "--key", key, offline, "--output", "text", reference] as const),
  ];
  const attestation = (reference: string, type: string, key = publicKey): Verification["command"] => [
    ...([cosign, "verify-attestation", "--key", key, offline, "--type", type, "--output", "text", reference] as const),
  ];
  const statements = ["cyclonedx", "slsaprovenance1"];
  return [
    ...files.map(({ file, bundle }) => accepted(blob(file, bundle))),
    refused(blob(changedFile, first.bundle), "one byte of the file is changed"),
    refused(blob(first.file, first.bundle, otherKey), "the key is another one"),
    ...images.map((reference) => accepted(registry(reference))),
    refused(registry(image, otherKey), "the key is another one"),
    refused(registry(unsignedImage), "the image has no signature"),
    ...attested.flatMap((reference) => statements.map((type) => accepted(attestation(reference, type)))),
    ...attested.slice(0, 1).map((ref) => refused(attestation(ref, "cyclonedx", otherKey), "the key is another one")),
  ];
}
