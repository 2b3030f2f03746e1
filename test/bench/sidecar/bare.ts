// The smallest Node process that answers HTTP: node:http with one fixed reply of the same length as the sidecar's. The
// sidecar's cost beyond this is podrole's.
import { createServer } from "node:http";
import { setFlagsFromString } from "node:v8";

// V8's flags that the sidecar sets at its start, separated by spaces.
for (const flag of (process.env["BARE_FLAGS"] ?? "").split(" ")) if (flag !== "") setFlagsFromString(flag);

const body = Buffer.alloc(Number(process.env["BARE_BODY_BYTES"]), "x");
const headers = ["Content-Type", "application/json", "Content-Length", String(body.length)];

createServer((_request, response) => {
  response.writeHead(200, headers).end(body);
}).listen(Number(process.env["BARE_PORT"]), "127.0.0.1", () => process.stdout.write("listening\n"));
process.on("SIGTERM", () => process.exit(0));
