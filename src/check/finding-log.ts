// Collects findings. One that may hurt snapshots stays open until the damage is traced (damage-trace.ts); the others are
// handed out at once.
import { counted } from '../errors/counted.ts'
import type { Finding, FindingKind, Hurts } from './finding.ts'

/** An error whose `hurts` is not known yet. */
export interface OpenFinding {
  readonly kind: FindingKind
  readonly object: string
  message: string
  hint?: string
  /** Blobs concerned, where they are counted. */
  blobs: number
}

export class FindingLog {
  readonly findings: Finding[] = []
  readonly #open: OpenFinding[] = []
  readonly #onFinding: ((finding: Finding) => void) | undefined
  #notes = 0

  constructor(onFinding?: (finding: Finding) => void) {
    this.#onFinding = onFinding
  }

  /** Errors so far, open ones included. */
  get errors(): number {
    return this.#open.length + this.findings.length - this.#notes
  }

  get notes(): number {
    return this.#notes
  }

  /** The open findings; a finding's place in this list is its number. */
  get open(): readonly OpenFinding[] {
    return this.#open
  }

  add(finding: Finding): void {
    this.findings.push(finding)
    if (finding.severity === 'note') this.#notes++
    this.#onFinding?.(finding)
  }

  /** Adds an error to be traced; returns its number. */
  addOpen(finding: Omit<OpenFinding, 'blobs'>): number {
    return this.#open.push({ ...finding, blobs: 0 }) - 1
  }

  /** Hands the open findings out, completed by `hurtsOf`. */
  close(hurtsOf: (finding: number) => Hurts | undefined): void {
    const open = this.#open.splice(0)
    for (const [number, { kind, object, message, hint, blobs }] of open.entries()) {
      const hurts = hurtsOf(number)
      this.add({
        severity: 'error', kind, object, message: blobs > 0 ? `${message} (${counted(blobs, 'blob')})` : message,
        ...(hurts ? { hurts } : {}), ...(hint === undefined ? {} : { hint }),
      })
    }
  }
}
