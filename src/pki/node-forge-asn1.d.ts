// The published types describe node-forge only as a whole; podrole loads the one file that it needs.
declare module "node-forge/lib/asn1.js" {
  import { asn1 } from "node-forge";
  export default asn1;
}
