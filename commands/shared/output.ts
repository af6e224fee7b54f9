// Where a command's words go. Three ways to run: on a terminal with a progress line, without one with warnings and the
// result only, and with --json as lines of JSON. What was asked for goes to stdout, the rest to stderr; with --json
// everything but the final error goes to stdout.
import type { OperationEvent, Progress } from '../../src/operations/events.ts'
import { jsonLine, type JsonRecord } from '../../src/presentation/json-line.ts'
import { printableText } from '../../src/presentation/printable-text.ts'
import { progressLine, progressRecord } from '../../src/presentation/progress-line.ts'
import { ProgressMeter } from '../../src/presentation/progress-meter.ts'
import { StatusLine, type TerminalWriter } from '../../src/presentation/status-line.ts'

const REDRAW_MS = 100
const JSON_PROGRESS_MS = 1000
/** Long listings are written in pieces: each write to a pipe is a system call. */
const PENDING_CHARACTERS_MAX = 65536

export interface OutputOptions {
  readonly format: 'text' | 'json'
  readonly verbosity: 'normal' | 'quiet'
  readonly writeOut: (text: string) => void
  readonly writeError: (text: string) => void
  /** Present when the progress line can be shown. */
  readonly terminal?: TerminalWriter
}

export class Output {
  readonly #options: OutputOptions
  readonly #status: StatusLine | undefined
  readonly #meter = new ProgressMeter(performance.now())
  #redraw: NodeJS.Timeout | undefined
  #lastRecordMs = -Infinity
  #pending = ''

  constructor(options: OutputOptions) {
    this.#options = options
    const { terminal, format, verbosity } = options
    this.#status = terminal && format === 'text' && verbosity === 'normal' ? new StatusLine(terminal) : undefined
  }

  get format(): 'text' | 'json' {
    return this.#options.format
  }

  /** True when progress is shown, so that counting the totals first is worth its time. */
  get showsProgress(): boolean {
    return this.format === 'json' || this.#status !== undefined
  }

  /** What the person asked to see; also with --quiet. */
  print(line: string): void {
    if (this.format === 'json') return
    this.#pending += `${line}\n`
    if (this.#pending.length >= PENDING_CHARACTERS_MAX) this.flush()
  }

  /** One line of JSON; nothing in text. */
  record(record: JsonRecord): void {
    if (this.format !== 'json') return
    this.#pending += jsonLine(record)
    if (this.#pending.length >= PENDING_CHARACTERS_MAX) this.flush()
  }

  /** What was done, at the end: lines of text, not with --quiet, or one record. */
  summary(lines: readonly string[], record: JsonRecord): void {
    this.#endStatus()
    if (this.format === 'json') this.record(record)
    else if (this.#options.verbosity === 'normal') for (const line of lines) this.print(line)
    this.flush()
  }

  warning(item: string, message: string): void {
    if (this.format === 'json') this.record({ type: 'warning', item, message })
    else this.#say(`warning: ${item === '' ? '' : `${printableText(item)}: `}${printableText(message)}`)
    this.flush()
  }

  /** Worth knowing, but not with --quiet nor where nobody looks. */
  notice(message: string): void {
    if (this.format === 'json') this.record({ type: 'notice', message })
    else if (this.#status !== undefined) this.#say(printableText(message))
    this.flush()
  }

  /** Must be seen, whatever the flags. */
  important(message: string): void {
    if (this.format === 'json') this.record({ type: 'notice', message })
    else this.#say(printableText(message))
    this.flush()
  }

  /** Takes what an operation reports. */
  readonly onEvent = (event: OperationEvent): void => {
    if (event.type === 'warning') this.warning(event.item, event.message)
    else if (event.type === 'notice') this.notice(event.message)
    else this.#progress(event)
  }

  /** Takes the progress line away and writes what is pending. */
  close(): void {
    this.#endStatus()
    this.flush()
  }

  #endStatus(): void {
    clearInterval(this.#redraw)
    this.#redraw = undefined
    this.#status?.clear()
  }

  #progress(progress: Progress): void {
    const now = performance.now()
    this.#meter.observe(progress, now)
    if (this.format === 'json') {
      if (now - this.#lastRecordMs < JSON_PROGRESS_MS) return
      this.#lastRecordMs = now
      const view = this.#meter.view(now)
      if (view !== undefined) this.record({ type: 'progress', ...progressRecord(view) })
      this.flush()
    } else if (this.#status !== undefined && this.#redraw === undefined) {
      // By a timer, so that the clock goes on and rates fall while an operation has nothing to report.
      this.#redraw = setInterval(() => this.#draw(), REDRAW_MS)
      this.#redraw.unref()
    }
  }

  #draw(): void {
    const view = this.#meter.view(performance.now())
    if (view !== undefined) this.#status?.draw((columns) => progressLine(view, columns))
  }

  #say(line: string): void {
    const write = (): void => this.#options.writeError(`${line}\n`)
    if (this.#status === undefined) write()
    else this.#status.above(write)
  }

  /** Writes what is pending. */
  flush(): void {
    if (this.#pending === '') return
    const text = this.#pending
    this.#pending = ''
    if (this.#status === undefined) this.#options.writeOut(text)
    else this.#status.above(() => this.#options.writeOut(text))
  }
}

/** The output of this process. */
export function processOutput(flags: { readonly json: boolean; readonly quiet: boolean }): Output {
  const { stdout, stderr } = process
  const terminal: TerminalWriter = {
    write: (text) => void stderr.write(text),
    columns: () => stderr.columns || 80,
  }
  return new Output({
    format: flags.json ? 'json' : 'text',
    verbosity: flags.quiet ? 'quiet' : 'normal',
    writeOut: (text) => void stdout.write(text),
    writeError: (text) => void stderr.write(text),
    ...(stderr.isTTY && process.env['TERM'] !== 'dumb' ? { terminal } : {}),
  })
}
