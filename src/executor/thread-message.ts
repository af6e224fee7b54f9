// What main thread and workers say to each other.
import { VaultError, type ErrorCode, type RetryClass } from '../errors/vault-error.ts'
import { AssertionError } from '../errors/assert.ts'

/** An error as plain data: structured clone keeps neither class nor fields. */
export interface ErrorMessage {
  readonly message: string
  readonly code?: ErrorCode
  readonly hint?: string
  readonly retry?: RetryClass
  readonly stack?: string
}

export type ToWorker<Request> = { readonly id: number; readonly request: Request }
export type FromWorker<Reply> =
  | { readonly ready: true }
  | { readonly id: number; readonly reply: Reply }
  | { readonly id: number; readonly error: ErrorMessage }

export function packError(error: unknown): ErrorMessage {
  if (error instanceof VaultError) {
    return {
      message: error.message, code: error.code, retry: error.retry, ...(error.hint === undefined ? {} : { hint: error.hint }),
    }
  }
  if (error instanceof Error) return { message: error.message, ...(error.stack === undefined ? {} : { stack: error.stack }) }
  return { message: String(error) }
}

export function unpackError({ message, code, hint, retry, stack }: ErrorMessage): Error {
  if (code !== undefined) {
    return new VaultError(code, message, { ...(hint === undefined ? {} : { hint }), ...(retry === undefined ? {} : { retry }) })
  }
  const error = new AssertionError(message)
  if (stack !== undefined) error.stack = stack
  return error
}
