// Arguments of podrole ui: whose pods the page shows, and where it is served.
import type { Command } from "commander";
import { port as portParser } from "../../runtime/settings.ts";
import type { Flags } from "../terminal.ts";
import {
  type Arguments,
  createFlagReader,
  declareInstallation,
  type InstallationArguments,
  namespaceOption,
  readInstallation,
} from "./flags.ts";
import { addHelp } from "./help.ts";

/** Typed options of podrole ui. */
export interface UiArguments extends InstallationArguments {
  /** Undefined: all namespaces. */
  readonly namespace: string | undefined;
  /** 0: the system chooses one. */
  readonly port: number;
  readonly opensBrowser: boolean;
}

/** Declares the flags of podrole ui. */
export function declareUi(command: Command): void {
  command
    .addOption(namespaceOption())
    .option("--port <port>", "Port of the page on 127.0.0.1 (default: 0, any free port)")
    .option("--no-open", "Print the address of the page and do not open a browser");
  declareInstallation(command);
  addHelp(command, {
    notes: [
      "Serves a page on 127.0.0.1 that shows which container holds which role, until when, who else could have it, what was refused, the CAs and the use of STS. It reads with your own rights, only while the page is open, and changes nothing; nothing new runs in the cluster. A view for which you lack a permission names it. The address contains a token: whoever has it, on this machine, sees what you may read.",
    ],
    examples: [
      ["The identity map of the cluster", "podrole ui"],
      ["One namespace, for example without rights to others", "podrole ui -n shop"],
      ["Over SSH, with a port to forward", "podrole ui --port 8999 --no-open"],
    ],
    exitCodes: [
      [0, "interrupted"],
      [2, "the command line cannot be used, the port is taken, or the cluster cannot be reached"],
    ],
    docs: "docs/ui.md describes the views, and the permissions that each needs",
  });
}

/** The arguments as typed options, or every problem. */
export function readUi(flags: Flags): Arguments<UiArguments> {
  const reader = createFlagReader(flags);
  const port = reader.read("port", portParser) ?? 0;
  return reader.finish({
    ...readInstallation(flags),
    namespace: flags["namespace"],
    port,
    opensBrowser: flags["open"] !== "false",
  });
}
