// What a probe found out, as a plain value that can be printed, serialised and tested.

/**
 * `ok`: there, and it works. `limited`: works, with a restriction that is told. `missing`: not there, or refused.
 * `failed`: the storage says one thing and does another. `unknown`: it could not be found out.
 */
export type FindingState = 'ok' | 'limited' | 'missing' | 'failed' | 'unknown'

export interface ProbeFinding {
  /** What was probed, in a few words: `conditional PUT`. */
  readonly name: string
  readonly state: FindingState
  /** True when no vault can work without it. */
  readonly required: boolean
  /** What was seen, one line, without secrets. */
  readonly seen: string
  /** What that means for a person who backs up there, one or two sentences. */
  readonly means: string
}

export const finding = (
  name: string, state: FindingState, seen: string, means: string, required: 'required' | 'optional' = 'optional',
): ProbeFinding => ({ name, state, required: required === 'required', seen, means })

/** True when something is lacking without which no vault works. */
export const isHindrance = ({ state, required }: ProbeFinding): boolean =>
  required && (state === 'missing' || state === 'failed')
