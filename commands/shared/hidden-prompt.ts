// Asks on the terminal without showing what is typed.
import { closeSync, openSync } from 'node:fs'
import { ReadStream, WriteStream } from 'node:tty'
import { errnoOf, VaultError } from '../../src/errors/vault-error.ts'

export interface PromptInput {
  setRawMode(mode: boolean): unknown
  setEncoding(encoding: 'utf8'): unknown
  on(event: 'data', listener: (text: string) => void): unknown
  off(event: 'data', listener: (text: string) => void): unknown
  resume(): unknown
  pause(): unknown
}

export interface PromptTerminal {
  readonly input: PromptInput
  readonly output: { write(text: string): unknown }
}

const CTRL_C = '\u0003'
const CTRL_D = '\u0004'
const CTRL_U = '\u0015'
const CTRL_Z = '\u001a'
const ERASERS = new Set(['\u0008', '\u007f'])
const LINE_ENDS = new Set(['\r', '\n'])
const SECRET_CHARACTERS_MAX = 4096

/** What the keys make of a line: the text so far, and what ended it. */
interface Line {
  readonly text: string
  readonly end?: 'entered' | 'aborted'
}

function typed(line: Line, character: string): Line {
  if (LINE_ENDS.has(character)) return { text: line.text, end: 'entered' }
  if (character === CTRL_C || character === CTRL_Z) return { text: '', end: 'aborted' }
  if (character === CTRL_D) return { text: line.text, end: line.text === '' ? 'aborted' : 'entered' }
  if (character === CTRL_U) return { text: '' }
  if (ERASERS.has(character)) return { text: [...line.text].slice(0, -1).join('') }
  // Other controls, among them the escape of an arrow key, are no part of a password.
  return character < ' ' || line.text.length >= SECRET_CHARACTERS_MAX ? line : { text: line.text + character }
}

/** Asks questions on one terminal; what was pasted beyond one line is the answer to the next. */
export class HiddenPrompt {
  readonly #terminal: PromptTerminal
  #ahead = ''

  constructor(terminal: PromptTerminal) {
    this.#terminal = terminal
  }

  /** The line typed. Throws `interrupted` on Ctrl-C or when `signal` fires. */
  async ask(question: string, signal?: AbortSignal): Promise<string> {
    const { input, output } = this.#terminal
    signal?.throwIfAborted()
    input.setRawMode(true) // before the question: who answers it at once must not be echoed
    input.setEncoding('utf8')
    output.write(question)
    try {
      return await this.#readLine(signal)
    } finally {
      input.pause()
      input.setRawMode(false)
      output.write('\n')
    }
  }

  #readLine(signal: AbortSignal | undefined): Promise<string> {
    const { input } = this.#terminal
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    let line: Line = { text: '' }
    const onData = (text: string): void => {
      const characters = [...this.#ahead, ...text]
      this.#ahead = ''
      for (let index = 0; index < characters.length && line.end === undefined; index++) {
        line = typed(line, characters[index] ?? '')
        if (line.end !== undefined) this.#ahead = characters.slice(index + 1).join('')
      }
      if (line.end === 'entered') resolve(line.text)
      if (line.end === 'aborted') reject(new VaultError('interrupted', 'interrupted at the password prompt'))
    }
    const onAbort = (): void => reject(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    input.on('data', onData)
    input.resume()
    onData('')
    return promise.finally(() => {
      input.off('data', onData)
      signal?.removeEventListener('abort', onAbort)
    })
  }
}

/** The terminal of this process, also when stdin is a file; undefined when nobody sits there. */
export function openTerminal(): (PromptTerminal & Disposable) | undefined {
  if (!process.stdin.isTTY && !process.stderr.isTTY) return undefined
  try {
    const readFd = openSync('/dev/tty', 'r')
    const writeFd = openOrClose(readFd)
    const input = new ReadStream(readFd)
    const output = new WriteStream(writeFd)
    const dispose = (): void => {
      input.destroy()
      output.destroy()
    }
    return { input, output, [Symbol.dispose]: dispose }
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return undefined
  }
}

function openOrClose(readFd: number): number {
  try {
    return openSync('/dev/tty', 'w')
  } catch (error) {
    closeSync(readFd)
    throw error
  }
}
