import { readFileSync } from 'node:fs'

function version(): string {
  // dist/src/operations/program.js -> package.json three folders up
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest ? String(manifest.version) : 'unknown'
}

/** Name and version as snapshots record them. */
export const PROGRAM = `s3vault ${version()}`
