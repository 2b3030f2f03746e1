// The name under which pods and webhook reach the servers, and the addresses that it resolves to: each program loads a
// module that reads them from a file, in place of the system's resolver.
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** A name in the certificates of the emulated installation's servers. */
const SERVER_NAME = "podrole-server.podrole.svc";
const RIGHT_ADDRESS = "127.0.0.1";

/** The name of the servers. */
export interface ServerName {
  /** Value of NODE_OPTIONS with which a program resolves the name. */
  readonly nodeOptions: string;
  /** Returns an address ("127.0.0.1:8443") by its name ("podrole-server.podrole.svc:8443"). */
  of(address: string): string;
  /** Sets what the name resolves to, by default the right address alone. */
  resolveTo(...addresses: readonly string[]): void;
}

/** Writes the module and its file into a directory. */
export function createServerName(directory: string): ServerName {
  const [file, module] = [join(directory, "addresses"), join(directory, "resolver.cjs")];
  const name: ServerName = {
    nodeOptions: `--require=${module}`,
    of: (address) => address.replace(RIGHT_ADDRESS, SERVER_NAME),
    resolveTo: (...addresses) => writeFileSync(file, (addresses.length > 0 ? addresses : [RIGHT_ADDRESS]).join(" ")),
  };
  writeFileSync(
    module,
    `const dns = require("node:dns");
const { readFileSync } = require("node:fs");
const known = () => readFileSync(${JSON.stringify(file)}, "utf8").split(" ").map((address) => ({ address, family: 4 }));
const { lookup } = dns;
const { lookup: lookupLater } = dns.promises;
dns.lookup = (name, options, callback) => {
  if (name !== "${SERVER_NAME}") return lookup(name, options, callback);
  const answer = callback ?? options;
  const found = known();
  process.nextTick(() => (options.all ? answer(null, found) : answer(null, found[0].address, found[0].family)));
};
dns.promises.lookup = async (name, options) => {
  if (name !== "${SERVER_NAME}") return lookupLater(name, options);
  return options?.all ? known() : known()[0];
};
`,
  );
  name.resolveTo();
  return name;
}
