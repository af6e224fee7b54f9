// A process of its own that puts objects n/0, n/1, ... filled with one byte, and reports how many it won:
// node looping-writer.js VAULT FILL-BYTE COUNT SIZE-BYTES
import { openDirectoryBackend } from '../../src/backend/directory.ts'
import { isVaultError } from '../../src/errors/vault-error.ts'
import { objectName } from '../../src/ids/ids.ts'

const [root = '', fill, count, sizeBytes] = process.argv.slice(2)
const backend = await openDirectoryBackend(root)
const bytes = new Uint8Array(Number(sizeBytes)).fill(Number(fill))
let won = 0
process.send?.('begins')
for (let index = 0; index < Number(count); index++) {
  try {
    await backend.put(objectName(`n/${index % 16}/${index}`), bytes)
    won++
  } catch (error) {
    if (!isVaultError(error, 'object-exists')) throw error
  }
}
process.send?.(won)
process.disconnect?.()
