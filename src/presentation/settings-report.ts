// Settings as they are shown: what could be a secret is not.

export interface ShownSetting {
  /** A key of the file of settings; of a command's table `check.read-data`. */
  readonly key: string
  readonly value: string | boolean | readonly string[]
  /** `command line`, `environment NAME`, `FILE:LINE (profile NAME)` or `built in`. */
  readonly source: string
}

export const HIDDEN = '(hidden)'

/** The value without what must not be seen over a shoulder or land in a log. */
export function maskedValue(key: string, value: ShownSetting['value'], isSecret: boolean): ShownSetting['value'] {
  if (isSecret) return HIDDEN
  const text = String(value)
  if (key === 'access-key-id') return `…${text.slice(-4)}`
  if (key === 'password-command') return /^\S+$/.test(text) ? text : `${text.split(/\s/, 1)[0] ?? ''} …`
  // Some put user and password into an address; it is refused when it is used.
  return key === 's3-endpoint' && text.includes('@') ? HIDDEN : value
}

/** `key = value` as in the file of settings, and where it comes from. */
export function settingsRows(settings: readonly ShownSetting[]): (readonly [string, string, string])[] {
  return settings.map(({ key, value, source }) => [key, valueText(value), source])
}

const valueText = (value: ShownSetting['value']): string => (value === HIDDEN ? HIDDEN : JSON.stringify(value))
