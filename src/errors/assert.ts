/** Our own bug: state that must not be. Never raised by bytes from storage or by what a person typed. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError'
}

/** Stops on a programmer error. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message)
}
