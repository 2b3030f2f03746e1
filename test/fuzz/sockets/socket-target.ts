// What a socket target is: a port of a running program, and inputs that strangers could send to it.
import type * as fc from "fast-check";
import type { FuzzWorld } from "../world.ts";

/** A port under fuzzing. */
export interface SocketTarget<Input = unknown> {
  readonly name: string;
  /** Share of the socket inputs, relative to the other targets. */
  readonly weight: number;
  /** Inputs that are sent at the same time. */
  readonly concurrency: number;
  open(world: FuzzWorld): Promise<SocketRun<Input>>;
}

/** An open target. */
export interface SocketRun<Input> {
  readonly inputs: fc.Arbitrary<Input>;
  /** Sends one input and reads the answer; rejects if an invariant does not hold. */
  send(input: Input): Promise<void>;
  close(): void;
}

/** Forgets the type of the inputs, so that all targets fit into one list. */
export function socketTarget<Input>(given: SocketTarget<Input>): SocketTarget {
  return given;
}
