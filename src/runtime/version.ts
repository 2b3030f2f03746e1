// The version, from package.json, which esbuild inlines into the bundles, also into those for browsers.
import packageJson from "../../package.json" with { type: "json" };

/** podrole's version, such as "0.1.0". */
export const VERSION: string = packageJson.version;
