// A Ceph gateway to try things by hand: node main.js 16|20 [BUCKET...]. Prints endpoint and keys as one line of JSON and
// runs until it is interrupted.
import { openBuckets } from './buckets.ts'
import { findCeph } from './ceph-programs.ts'
import { RgwServer } from './rgw-server.ts'

const [release, ...buckets] = process.argv.slice(2)
const programs = findCeph(release === '16' ? 16 : 20)
if (typeof programs === 'string') {
  console.error(programs)
  process.exit(1)
}
const server = await RgwServer.start(programs)
await openBuckets(server, buckets.map((name) => ({ name, kind: 'plain' })))
const { endpoint, accessKeyId, secretAccessKey } = server
console.log(JSON.stringify({ endpoint, accessKeyId, secretAccessKey }))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void server.close().then(() => process.exit(0)))
