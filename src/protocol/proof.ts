// The proof of the identity port: the caller's projected ServiceAccount token, which the kubelet writes and replaces.
import { readIfPresent } from "../runtime/files.ts";
import { Secret } from "../runtime/secret.ts";
import { PodroleError } from "./errors.ts";

/**
 * Reads the token. `caller` names the caller in the message. Throws PodroleError PROOF_REJECTED if the file has none.
 */
export async function readProof(proofFile: string, caller: string): Promise<Secret> {
  const token = (await readIfPresent(proofFile))?.trim();
  if (token) return new Secret(token);
  const state = `${proofFile} has no token; expected the kubelet to have written one`;
  throw new PodroleError("PROOF_REJECTED", `Cannot prove ${caller}: ${state}`);
}
