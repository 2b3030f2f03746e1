// The version, from package.json; esbuild inlines it into the bundles.
import packageJson from "../../package.json" with { type: "json" };

/** podrole's version, such as "0.1.0". */
export const VERSION: string = packageJson.version;
