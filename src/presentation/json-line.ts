// One record a line, as --json prints it.

export type JsonRecord = { readonly type: string } & Readonly<Record<string, unknown>>

/** JSON of one record and a line feed. Bigints become decimal text: a JSON number would lose digits. */
export const jsonLine = (record: JsonRecord): string =>
  `${JSON.stringify(record, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value))}\n`
