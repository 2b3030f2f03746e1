// Where a command prints and what it may read: only main.ts connects it to the process.
export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The node binary that runs this. */
  readonly execPath: string;
  readonly readStdin: () => Promise<string>;
  /** Standard input as it comes; undefined when it is a person's keyboard. */
  readonly stdin: () => AsyncIterable<Uint8Array> | undefined;
  /** Aborts on SIGINT or SIGTERM. */
  readonly interrupted: AbortSignal;
}
