// Signs a release's artefacts with cosign and a key that is made for one run and removed after it, without Sigstore's
// public services: no certificate, no entry in a transparency log.
// (https://docs.sigstore.dev/cosign/key_management/signing_with_self-managed_keys/)
import { join } from "node:path";
import { runBeside } from "./tools.ts";

/** Predicates that cosign knows by name: a bill of materials, and where and from what an artefact was built. */
export type PredicateType = "cyclonedx" | "slsaprovenance1";

/** Makes signatures with one key. Each function throws an Error if cosign fails. */
export interface Signer {
  /** File of the public key. */
  readonly publicKey: string;
  /** Writes the signature of a file as a Sigstore bundle. */
  signFile(file: string, bundle: string): Promise<void>;
  /** Signs an image or a chart in a registry; `reference` names it by digest. */
  signImage(reference: string): Promise<void>;
  /** Attaches a signed statement about an image; `predicate` is a file. */
  attest(reference: string, type: PredicateType, predicate: string): Promise<void>;
}

/** The key has no password, because nobody keeps it. */
const ENV = { COSIGN_PASSWORD: "" };
const OFFLINE = ["--use-signing-config=false", "--tlog-upload=false", "--yes"];

/** Makes a key pair NAME.key and NAME.pub in a folder. `cosign`: path of the program. */
export async function createSigner(cosign: string, folder: string, name: string): Promise<Signer> {
  async function call(...args: readonly string[]): Promise<void> {
    const { code, output } = await runBeside(cosign, args, { env: ENV, cwd: folder });
    if (code !== 0) throw new Error(`Cannot sign: cosign ${args.join(" ")} exited with ${code}: ${output}`);
  }
  await call("generate-key-pair", "--output-key-prefix", name);
  const key = ["--key", join(folder, `${name}.key`)];
  return {
    publicKey: join(folder, `${name}.pub`),
    async signFile(file, bundle) {
      await call("sign-blob", ...key, ...OFFLINE, "--bundle", bundle, file);
    },
    signImage: (reference) => call("sign", ...key, ...OFFLINE, reference),
    attest: (reference, type, predicate) =>
      call("attest", ...key, ...OFFLINE, "--type", type, "--predicate", predicate, reference),
  };
}
