// Listeners whose errors no caller could handle, such as those for the restart of an executor.

/**
 * A listener that does not fail: if the given one throws, or returns a promise that rejects, `warn` is called with a
 * message. Unhandled, such an error would end the process.
 */
export function safeListener<E>(listener: (event: E) => unknown, warn: (message: string) => void): (event: E) => void {
  return (event) =>
    void (async () => listener(event))().catch((error: unknown) => warn(`a listener failed: ${String(error)}`));
}
