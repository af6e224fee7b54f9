// What storage costs: a table of providers' published prices, with the page and the date they are from. The built-in one is
// prices.json; a person may give another file of the same form. Nothing here asks anybody over the network.
import { readFileSync } from 'node:fs'
import { describeError, errnoOf, VaultError } from '../errors/vault-error.ts'
import builtIn from './prices.json' with { type: 'json' }

/** How fast an archived object is brought back; the names are Amazon's. */
export const ARCHIVE_TIERS = ['expedited', 'standard', 'bulk'] as const
export type ArchiveTier = (typeof ARCHIVE_TIERS)[number]

export interface RetrievalPrice {
  readonly perGB: number
  /** For 1000 objects; absent where no source states it. */
  readonly per1000?: number
}

/** Prices of one storage class, in the provider's currency. */
export interface ClassPrices {
  readonly storagePerGBMonth: number
  readonly putPer1000: number
  readonly getPer1000: number
  /** For reading a GB, beside the download; of an archive class it stands in `archive`. */
  readonly retrievalPerGB: number
  /** An object that is deleted earlier is billed as if it had lain so many days. */
  readonly minimumDays: number
  /** A smaller object is billed as if it were so large. */
  readonly minimumBytes: number
  /** Billed for each object besides its own size, at this class's price. */
  readonly overheadBytes?: number
  /** The same at STANDARD's price. */
  readonly overheadStandardBytes?: number
  /** A month, for 1000 objects. */
  readonly monitoringPer1000?: number
  /** Present for classes whose objects must be brought back before they can be read. */
  readonly archive?: { readonly [tier in ArchiveTier]?: RetrievalPrice }
}

export interface RegionPrices {
  /** `*`: all regions of the provider. */
  readonly name: string
  /** Downloads to the internet. */
  readonly egressPerGB: number
  readonly listPer1000: number
  readonly classes: { readonly [storageClass: string]: ClassPrices }
}

export interface ProviderPrices {
  readonly name: string
  /** Host names of its servers; those below them belong to it too. */
  readonly hosts: readonly string[]
  readonly currency: string
  /** What the provider calls a GB. */
  readonly gigabyteBytes: number
  /** When the prices were published or read, `2026`, `2026-07` or `2026-07-01`. */
  readonly date: string
  /** The page that states them. */
  readonly source: string
  readonly note?: string
  /** The bill for storage is never below this. */
  readonly minimumMonthlyCharge?: number
  readonly regions: readonly RegionPrices[]
}

export interface PriceTable {
  readonly providers: readonly ProviderPrices[]
  /** Where the table is from: `built in`, or a file. */
  readonly origin: string
}

export interface Prices {
  readonly provider: ProviderPrices
  readonly region: RegionPrices
  readonly origin: string
}

/** The built-in table, or the one in `file`. Throws `usage` when that cannot be read or is malformed. */
export function loadPriceTable(file?: string): PriceTable {
  if (file === undefined) return parsePriceTable(builtIn, 'built in')
  try {
    return parsePriceTable(JSON.parse(readFileSync(file, 'utf8')), file)
  } catch (error) {
    if (errnoOf(error) === undefined && !(error instanceof SyntaxError)) throw error
    throw new VaultError('usage', `price table ${file}: ${describeError(error)}`, { hint: HINT, cause: error })
  }
}

const HINT = 'a price table is JSON of the form of src/cost/prices.json; the README explains it'

/** The prices of the server at `host`, in `region`; undefined when the table has none. */
export function findPrices(table: PriceTable, host: string, region: string): Prices | undefined {
  for (const provider of table.providers) {
    if (!provider.hosts.some((name) => host === name || host.endsWith(`.${name}`))) continue
    const found = provider.regions.find(({ name }) => name === region) ?? provider.regions.find(({ name }) => name === '*')
    if (found) return { provider, region: found, origin: table.origin }
  }
  return undefined
}

/** Checks a table as it was parsed from JSON; the message names the place. Throws `usage`. */
export function parsePriceTable(value: unknown, origin: string): PriceTable {
  const root = new Field(value, '', origin)
  if (root.get('format').value !== 's3vault-prices' || root.get('version').value !== 1) {
    root.fail('must begin with "format": "s3vault-prices", "version": 1')
  }
  root.get('providers').items().forEach(checkProvider)
  return { providers: (value as { providers: ProviderPrices[] }).providers, origin }
}

function checkProvider(provider: Field): void {
  provider.only([
    'name', 'hosts', 'currency', 'gigabyteBytes', 'date', 'source', 'note', 'minimumMonthlyCharge', 'regions',
  ])
  for (const name of ['name', 'currency', 'source']) provider.get(name).text(/./)
  provider.get('date').text(/^\d{4}(-\d\d(-\d\d)?)?$/)
  provider.optional('note')?.text(/./)
  provider.get('hosts').items().forEach((host) => host.text(/^[a-z0-9.-]+$/))
  if (provider.get('gigabyteBytes').amount() < 1e9) provider.get('gigabyteBytes').fail('must be 1000000000 or 1073741824')
  provider.optional('minimumMonthlyCharge')?.amount()
  provider.get('regions').items().forEach(checkRegion)
}

function checkRegion(region: Field): void {
  region.only(['name', 'egressPerGB', 'listPer1000', 'classes'])
  region.get('name').text(/./)
  region.get('egressPerGB').amount()
  region.get('listPer1000').amount()
  const classes = region.get('classes')
  if (!classes.names().includes('STANDARD')) classes.fail('must have the class STANDARD: indexes and metadata lie in it')
  classes.names().forEach((name) => checkClass(classes.get(name)))
}

const CLASS_AMOUNTS = ['storagePerGBMonth', 'putPer1000', 'getPer1000', 'retrievalPerGB', 'minimumDays', 'minimumBytes']
const CLASS_EXTRAS = ['overheadBytes', 'overheadStandardBytes', 'monitoringPer1000']

function checkClass(prices: Field): void {
  prices.only([...CLASS_AMOUNTS, ...CLASS_EXTRAS, 'archive'])
  for (const name of CLASS_AMOUNTS) prices.get(name).amount()
  for (const name of CLASS_EXTRAS) prices.optional(name)?.amount()
  const archive = prices.optional('archive')
  archive?.only(ARCHIVE_TIERS)
  for (const tier of archive?.names() ?? []) {
    const price = archive?.get(tier)
    price?.only(['perGB', 'per1000'])
    price?.get('perGB').amount()
    price?.optional('per1000')?.amount()
  }
}

/** A place in a JSON value that knows its path, for messages. */
class Field {
  readonly value: unknown
  readonly #path: string
  readonly #origin: string

  constructor(value: unknown, path: string, origin: string) {
    this.value = value
    this.#path = path
    this.#origin = origin
  }

  fail(problem: string): never {
    const where = this.#path === '' ? '' : `${this.#path} `
    throw new VaultError('usage', `price table ${this.#origin}: ${where}${problem}`, { hint: HINT })
  }

  #object(): Record<string, unknown> {
    if (typeof this.value !== 'object' || this.value === null || Array.isArray(this.value)) this.fail('must be an object')
    return this.value as Record<string, unknown>
  }

  names(): string[] {
    return Object.keys(this.#object())
  }

  get(name: string): Field {
    return new Field(this.#object()[name], this.#path === '' ? name : `${this.#path}.${name}`, this.#origin)
  }

  optional(name: string): Field | undefined {
    return this.#object()[name] === undefined ? undefined : this.get(name)
  }

  only(known: readonly string[]): void {
    const unknown = this.names().find((name) => !known.includes(name))
    if (unknown !== undefined) this.get(unknown).fail(`is not known; there is ${known.join(', ')}`)
  }

  items(): Field[] {
    if (!Array.isArray(this.value) || this.value.length === 0) this.fail('must be a list that is not empty')
    return (this.value as unknown[]).map((item, i) => new Field(item, `${this.#path}[${i}]`, this.#origin))
  }

  text(pattern: RegExp): void {
    if (typeof this.value !== 'string' || !pattern.test(this.value)) this.fail('must be a text that fits')
  }

  amount(): number {
    if (typeof this.value !== 'number' || !Number.isFinite(this.value) || this.value < 0) this.fail('must be a number, 0 or more')
    return this.value as number
  }
}
