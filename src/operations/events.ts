// What an operation tells while it runs. Plain data: shown as a line on a terminal or as a line of JSON.

/** State of long work. Totals are absent while they are unknown. */
export interface Progress {
  readonly type: 'progress'
  /** `scan`, `backup`, `restore`, `check`, `read-data`, ... */
  readonly phase: string
  readonly itemsDone: number
  readonly itemsTotal?: number
  /** Bytes read (backup), checked, or of content found right or written (restore). */
  readonly bytesDone: number
  readonly bytesTotal?: number
  /** Bytes sent to or fetched from storage. */
  readonly bytesTransferred: number
  readonly errors: number
  /** What is being worked on, printable. */
  readonly current?: string
}

/** Something went wrong with one item; the operation goes on and the exit code says so. */
export interface Warning {
  readonly type: 'warning'
  /** Printable path or object name. */
  readonly item: string
  readonly message: string
}

/** Something worth knowing that is no failure. */
export interface Notice {
  readonly type: 'notice'
  readonly message: string
}

export type OperationEvent = Progress | Warning | Notice
export type EventSink = (event: OperationEvent) => void
