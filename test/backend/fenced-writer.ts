// A process of its own that says it begins, then puts one fenced object: node fenced-writer.js VAULT NAME
import { openDirectoryBackend } from '../../src/backend/directory.ts'
import { objectName } from '../../src/ids/ids.ts'

const backend = await openDirectoryBackend(process.argv[2] ?? '')
process.send?.('begins')
await backend.put(objectName(process.argv[3] ?? ''), new Uint8Array(3), { fence: { expiresAfterMs: 1000, check: () => {} } })
process.disconnect?.()
