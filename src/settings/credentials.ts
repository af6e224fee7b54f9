// Where the keys of a bucket come from, as a person says it: profile:NAME and file:PATH for those of the AWS tools,
// authinfo2:PATH for S3QL's file, environment for what the AWS tools would take by themselves.
import { homedir } from 'node:os'
import { join } from 'node:path'
import { VaultError } from '../errors/vault-error.ts'
import type { AccessKeys } from './authinfo2.ts'
import { parseIni } from './ini-file.ts'
import { readPrivateFile, requirePrivate } from './private-file.ts'

export type CredentialsSource =
  | { readonly kind: 'environment' }
  | { readonly kind: 'profile'; readonly name: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'authinfo2'; readonly path: string }

/** Throws `usage`. The text is not repeated: somebody may have put a key there. */
export function parseCredentialsSource(text: string, where: string): CredentialsSource {
  const [, kind, rest = ''] = /^([a-z0-9]+)(?::(.*))?$/s.exec(text) ?? []
  if (kind === 'environment' && rest === '') return { kind }
  if (kind === 'profile' && rest !== '') return { kind, name: rest }
  const path = rest.startsWith('~/') ? join(process.env['HOME'] || homedir(), rest.slice(1)) : rest
  if ((kind === 'file' || kind === 'authinfo2') && path !== '') return { kind, path }
  throw new VaultError('usage', `${where}: names no source of credentials`, {
    hint: 'give profile:NAME, file:PATH, authinfo2:PATH or environment',
  })
}

/** The keys in a file as ~/.aws/credentials is one: of its section `default`, or of its only one. Throws `usage`. */
export function readAccessKeys(path: string): AccessKeys {
  const file = readPrivateFile(path)
  if (file === undefined) throw new VaultError('usage', `file of credentials ${path}: no such file`)
  requirePrivate(file, 'credentials')
  const sections = parseIni(file.text, path)
  const section = sections.find(({ name }) => name === 'default') ?? (sections.length === 1 ? sections[0] : undefined)
  const [accessKeyId, secretAccessKey, sessionToken] =
    ['aws_access_key_id', 'aws_secret_access_key', 'aws_session_token'].map((name) => section?.values.get(name))
  if (!accessKeyId || !secretAccessKey) {
    throw new VaultError('usage', `${path}: has no aws_access_key_id and aws_secret_access_key in its section [default]`)
  }
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) }
}
