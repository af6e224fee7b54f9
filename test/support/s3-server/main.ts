// Runs the server until it is killed: node main.js [BUCKET...]. Prints endpoint and keys as one line of JSON.
import { startS3Server } from './server.ts'

const { endpoint, accessKeyId, secretAccessKey } = await startS3Server({ buckets: process.argv.slice(2) })
console.log(JSON.stringify({ endpoint, accessKeyId, secretAccessKey }))
