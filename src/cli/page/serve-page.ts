// Serves the page of podrole ui until it is interrupted: for podrole ui, and for podrole demo --ui.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { platform } from "node:os";
import type { UiOptions } from "../../operations/ui/snapshot.ts";
import { untilAborted } from "../../runtime/clock.ts";
import { type Result, success } from "../../runtime/result.ts";
import { Secret } from "../../runtime/secret.ts";
import { type AnswerDeps, createAnswers } from "./answers.ts";
import { readPageFiles } from "./page-files.ts";
import { createPageServer } from "./page-server.ts";

/** How the page is served and opened. */
export interface ServePageOptions extends UiOptions {
  /** 0: the system chooses one. */
  readonly port: number;
  readonly opensBrowser: boolean;
}

/** What serving the page uses. */
export interface ServePageDeps extends Omit<AnswerDeps, "signal"> {
  readonly interrupted: AbortSignal;
  /** Called once with the address, which contains the token. */
  readonly onReady: (address: string) => void;
}

/** Resolves when `interrupted` aborts; the problem is that the port is taken. */
export async function servePage(
  { interrupted, onReady, ...deps }: ServePageDeps,
  { port: wantedPort, opensBrowser, ...options }: ServePageOptions,
): Promise<Result<undefined>> {
  const token = createPageToken();
  const answer = createAnswers({ ...deps, signal: interrupted }, options);
  const files = await readPageFiles();
  const server = createPageServer({ clock: deps.clock, answer, files }, { port: wantedPort, token });
  const listening = await server.listen();
  if (!listening.ok) return listening;
  try {
    const address = addressOfPage(listening.value, token);
    onReady(address);
    if (opensBrowser) openBrowser(address);
    await untilAborted(interrupted);
    return success(undefined);
  } finally {
    await server.close();
  }
}

/** 192 bits, in characters that need no encoding in an address. */
function createPageToken(): Secret {
  return new Secret(randomBytes(24).toString("base64url"));
}

function addressOfPage(port: number, token: Secret): string {
  return `http://127.0.0.1:${port}/${token.reveal()}/`;
}

/** Without a desktop, the operator opens the printed address. */
function openBrowser(address: string): void {
  const program = platform() === "darwin" ? "open" : "xdg-open";
  const child = spawn(program, [address], { stdio: "ignore", detached: true });
  child.on("error", () => {});
  child.unref();
}
