// The published types know node-forge as a whole only; podrole loads the one file of it that it needs.
declare module "node-forge/lib/asn1.js" {
  import { asn1 } from "node-forge";
  export default asn1;
}
