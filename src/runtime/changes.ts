// Change notification: one set of listeners for one kind of change, called in the order in which they subscribed.

/** The part of a change emitter that its owner shows to those who follow the state. */
export interface Changing<Change = void> {
  /** Calls `listener` at each change; the returned function ends the subscription. */
  readonly onChange: (listener: (change: Change) => void) => () => void;
}

/** A change emitter. */
export interface Changes<Change = void> extends Changing<Change> {
  /** Calls every listener before it returns. It never throws. */
  readonly emit: (change: Change) => void;
}

/**
 * Creates a change emitter. `onListenerError` receives whatever a listener throws, usually to log it; the other
 * listeners are still called, and the owner of the state does not notice.
 */
export function createChanges<Change = void>(onListenerError: (error: unknown) => void): Changes<Change> {
  const listeners = new Set<{ readonly call: (change: Change) => void }>();
  return {
    emit(change) {
      for (const { call } of [...listeners]) {
        try {
          call(change);
        } catch (error) {
          onListenerError(error);
        }
      }
    },
    onChange(call) {
      const listener = { call };
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
