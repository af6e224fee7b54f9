// S3QL's file of credentials, for people who come from there. As S3QL reads it (src/s3ql/authinfo.py): every section whose
// storage-url the vault's URL begins with counts, later ones above earlier ones, and a file that others can read is
// refused. Its URLs also tell the server or the region, which s3vault's do not: s3c://HOST:PORT/BUCKET/PREFIX and
// s3c4:// (the same with newer signatures; s3vault always signs the newer way), and s3://REGION/BUCKET/PREFIX.
// fs-passphrase is the passphrase of an S3QL file system, not of a vault, and is not read.
import { VaultError } from '../errors/vault-error.ts'
import { parseIni, type IniSection } from './ini-file.ts'
import { readPrivateFile, requirePrivate } from './private-file.ts'

export interface AccessKeys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/** Where the vault is, as far as it is known without the file. */
export interface BucketPlace {
  readonly bucket: string
  readonly prefix: string
  readonly endpoint?: string | undefined
  readonly region?: string | undefined
}

export interface Authinfo2Access {
  readonly keys: AccessKeys
  /** From the URL that matched, when it was not known. */
  readonly endpoint?: string
  readonly region?: string
}

/** A storage of which a section speaks. */
interface Server {
  readonly scheme: string
  /** HOST:PORT, HOST, or a region. */
  readonly name: string
}

const COMPATIBLE = ['s3c', 's3c4']
const AMAZON = 's3'
const BUCKETS = [...COMPATIBLE, AMAZON]

/** Throws `usage` when the file is missing or others can read it, and `storage-denied` when nothing in it fits. */
export function readAuthinfo2(path: string, place: BucketPlace): Authinfo2Access {
  const file = readPrivateFile(path)
  if (file === undefined) throw new VaultError('usage', `authinfo2 file ${path}: no such file`)
  requirePrivate(file, 'credentials')
  const sections = parseIni(file.text, path)
  const servers = serversFor(place, sections)
  const fitting = servers.map((server) => ({ server, keys: keysFor(server, place, sections) })).filter(({ keys }) => keys !== undefined)
  const distinct = new Map(fitting.map((each) => [accessPoint(each.server), each]))
  const [only] = distinct.values()
  if (distinct.size > 1) {
    throw new VaultError('usage', `${path}: sections for several servers fit s3://${place.bucket}/${place.prefix}`, {
      hint: 'name one by --s3-endpoint or --s3-region',
    })
  }
  if (only?.keys === undefined) throw nothingFits(path, place, sections, servers)
  return { keys: only.keys, ...foundAccess(only.server, place, sections) }
}

/** Those asked for, or all that the file names. */
function serversFor({ endpoint, region }: BucketPlace, sections: readonly IniSection[]): Server[] {
  if (endpoint !== undefined) return hostNames(endpoint).flatMap((name) => COMPATIBLE.map((scheme) => ({ scheme, name })))
  const named = sections.map(serverOf).filter((server) => server !== undefined)
  if (region === undefined) return named
  return [{ scheme: AMAZON, name: region }, ...named.filter(({ scheme }) => scheme !== AMAZON)]
}

/** HOST:PORT, and HOST alone where the port is the usual one. */
function hostNames(endpoint: string): string[] {
  if (!URL.canParse(endpoint)) return []
  const { hostname, port, protocol } = new URL(endpoint)
  return port === '' ? [hostname, `${hostname}:${protocol === 'http:' ? 80 : 443}`] : [`${hostname}:${port}`]
}

/** The server that a section's URL names in full, up to the slash behind it. */
function serverOf({ values }: IniSection): Server | undefined {
  const [, scheme, name] = /^([A-Za-z0-9]+):\/\/([^/]+)\//.exec(values.get('storage-url') ?? '') ?? []
  return scheme !== undefined && name !== undefined && BUCKETS.includes(scheme) ? { scheme, name } : undefined
}

const accessPoint = ({ scheme, name }: Server): string => (scheme === AMAZON ? `region ${name}` : name.replace(/:443$/, ''))

function sectionsFor({ scheme, name }: Server, { bucket, prefix }: BucketPlace, sections: readonly IniSection[]): IniSection[] {
  const url = `${scheme}://${name}/${bucket}/${prefix === '' ? '' : `${prefix}/`}`
  return sections.filter(({ values }) => {
    const pattern = values.get('storage-url') ?? ''
    return pattern !== '' && url.startsWith(pattern)
  })
}

function keysFor(server: Server, place: BucketPlace, sections: readonly IniSection[]): AccessKeys | undefined {
  const merged = new Map(sectionsFor(server, place, sections).flatMap(({ values }) => [...values]))
  const [accessKeyId, secretAccessKey] = [merged.get('backend-login'), merged.get('backend-password')]
  return accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : undefined
}

function foundAccess(server: Server, place: BucketPlace, sections: readonly IniSection[]): { endpoint?: string; region?: string } {
  if (server.scheme === AMAZON) return place.region === undefined ? { region: server.name } : {}
  if (place.endpoint !== undefined) return {}
  const options = sectionsFor(server, place, sections).map(({ values }) => values.get('backend-options') ?? '').join(',')
  const isPlain = options.split(',').some((option) => option.trim() === 'no-ssl')
  return { endpoint: `${isPlain ? 'http' : 'https'}://${server.name}` }
}

function nothingFits(path: string, place: BucketPlace, sections: readonly IniSection[], servers: readonly Server[]): VaultError {
  const [{ scheme, name } = { scheme: 's3c', name: 'HOST:PORT' }] = servers
  const url = `${scheme}://${name}/${place.bucket}`
  const others = new Set(sections.map(({ values }) => /^([A-Za-z0-9]+):\/\//.exec(values.get('storage-url') ?? '')?.[1] ?? ''))
  const foreign = [...others].filter((each) => each !== '' && !BUCKETS.includes(each))
  const remark = foreign.length === 0 ? '' : `; ${foreign.map((each) => `${each}://`).join(', ')} are not supported, only s3://, s3c:// and s3c4://`
  return new VaultError('storage-denied', `${path}: no section with backend-login and backend-password fits ${url}${remark}`, {
    hint: `a section counts when the URL of the vault begins with its storage-url, for example storage-url: ${url}`,
  })
}
