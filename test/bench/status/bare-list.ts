// The reference of npm run bench:status: lists the pods in pages of the same size, and prints a line for each.
// Arguments: address of the API server, file of its CA, token.
import { readFileSync } from "node:fs";
import { Agent, get } from "node:https";
import { text } from "node:stream/consumers";

interface ListedPods {
  readonly metadata: { readonly continue?: string };
  readonly items: readonly { readonly metadata: { readonly namespace: string; readonly name: string } }[];
}

const [server = "", ca = "", token = ""] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, ca: readFileSync(ca) });
const headers = { Authorization: `Bearer ${token}` };

function read(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(`${server}${path}`, { agent, headers }, (response) => resolve(text(response))).on("error", reject);
  });
}

let next: string | undefined = "";
while (next !== undefined) {
  const page = JSON.parse(
    await read(`/api/v1/pods?limit=500${next === "" ? "" : `&continue=${encodeURIComponent(next)}`}`),
  ) as ListedPods;
  process.stdout.write(page.items.map(({ metadata }) => `${metadata.namespace} ${metadata.name}\n`).join(""));
  next = page.metadata.continue;
}
agent.destroy();
