// The version, from package.json: bundles have it inlined.
import packageJson from "../../package.json" with { type: "json" };

export const VERSION: string = packageJson.version;
