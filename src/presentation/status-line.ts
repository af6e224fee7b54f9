// One line of a terminal that is redrawn in place, with ordinary lines going past above it.

export interface TerminalWriter {
  write(text: string): void
  /** Width now: windows are resized. */
  columns(): number
}

const ERASE_LINE = '\r\u001b[2K'

export class StatusLine {
  readonly #writer: TerminalWriter
  #shown = ''

  constructor(writer: TerminalWriter) {
    this.#writer = writer
  }

  /** Shows what `render` makes of the width; one column stays free, or some terminals wrap. */
  draw(render: (columns: number) => string): void {
    const text = render(Math.max(1, this.#writer.columns() - 1))
    if (text === this.#shown) return
    this.#writer.write(`${ERASE_LINE}${text}`)
    this.#shown = text
  }

  /** Runs `write` while the line is away, so that what it writes stands above. */
  above(write: () => void): void {
    const text = this.#shown
    this.clear()
    write()
    if (text === '') return
    this.#writer.write(text)
    this.#shown = text
  }

  clear(): void {
    if (this.#shown !== '') this.#writer.write(ERASE_LINE)
    this.#shown = ''
  }
}
