// The S3 server of a benchmark: one that is given, or the test server of this project as a process of its own.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { option } from './measuring.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const BUCKET = 'bench'

/** Starts a program of this project, which ends with the benchmark, and resolves to its first line. */
export async function startProgram(path, ...args) {
  const child = spawn(process.execPath, [join(root, path), ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  process.on('exit', () => child.kill()) // also when the benchmark fails
  const [line] = await once(createInterface(child.stdout), 'line')
  child.unref()
  child.stdout.unref()
  return String(line)
}

/** `--endpoint URL` and `--bucket NAME`, with credentials from AWS_*; without them a server of its own. */
export async function openStorage() {
  const endpoint = option('endpoint', undefined)
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = process.env
  if (endpoint !== undefined) {
    return { endpoint, bucket: option('bucket', BUCKET), accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY }
  }
  return { ...JSON.parse(await startProgram('dist/test/support/s3-server/main.js', BUCKET)), bucket: BUCKET }
}

export const credentialsOf = ({ accessKeyId, secretAccessKey }) =>
  ({ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_REGION: process.env.AWS_REGION ?? 'us-east-1' })
