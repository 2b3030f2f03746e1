// node-forge's SHA-256 alone: the package's own types declare only the whole package.
declare module "node-forge/lib/sha256.js" {
  import type { md } from "node-forge";

  const sha256: { create(): md.MessageDigest };
  export default sha256;
}
