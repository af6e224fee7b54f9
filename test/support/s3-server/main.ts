// Runs the server until it is killed: node main.js [BUCKET...]. Prints endpoint and keys as one line of JSON.
// S3_ARCHIVE_DELAY_MS: how long RestoreObject takes.
import { startS3Server } from './server.ts'

const { endpoint, accessKeyId, secretAccessKey } = await startS3Server({
  buckets: process.argv.slice(2), archiveDelayMs: Number(process.env['S3_ARCHIVE_DELAY_MS'] ?? 0),
})
console.log(JSON.stringify({ endpoint, accessKeyId, secretAccessKey }))
