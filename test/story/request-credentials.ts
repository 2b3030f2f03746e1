// Runs inside an app container of a story: requests credentials as an AWS SDK does, with only the container's
// environment, and prints the reply as one JSON line.
import { readFile } from "node:fs/promises";

const { AWS_CONTAINER_CREDENTIALS_FULL_URI: uri, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file } = process.env;
if (uri === undefined || file === undefined) {
  console.log(JSON.stringify({ status: 0, body: {} }));
} else {
  const response = await fetch(uri, { headers: { Authorization: await readFile(file, "utf8") } });
  console.log(JSON.stringify({ status: response.status, body: await response.json() }));
}
