// npm run release:notes: prints the text of the release's page for the version in package.json.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { startScript } from "../command-line/start-script.ts";
import { ROOT } from "../root.ts";
import { releaseNotesOf } from "./release-notes.ts";

startScript("release:notes");
const { GITHUB_SERVER_URL: host = "https://github.com", GITHUB_REPOSITORY: name = "OWNER/podrole" } = process.env;
process.stdout.write(
  releaseNotesOf({
    changelog: readFileSync(join(ROOT, "CHANGELOG.md"), "utf8"),
    template: readFileSync(join(import.meta.dirname, "release-notes.md"), "utf8"),
    version: packageJson.version,
    repository: `${host}/${name}`,
  }),
);
