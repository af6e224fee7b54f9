// Entry on the runtime the product is made for (the launcher bin/s3vault.cjs sees to that).
import { enableCompileCache } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')

// Node's warnings are for developers; what concerns the person goes through the commands' own output.
process.removeAllListeners('warning')
if (process.env['S3VAULT_DEBUG']) {
  process.setSourceMapsEnabled(true) // stack traces name the sources, not the bundle
  process.on('warning', (warning) => process.stderr.write(`${warning.stack}\n`))
}

// Halves the time to load oclif. Beside the code, not in the person's cache folder: compiled code is trusted like the
// code itself, and root must not run what a user's folder holds. Where dist/ cannot be written there is no cache.
enableCompileCache({ directory: join(root, 'dist', '.compile-cache'), portable: true })

async function loadProgram() {
  try {
    return await import('../dist/bundle/commands/shared/program.js')
  } catch (error) {
    process.stderr.write(`s3vault: this installation is damaged, install it again (${error.message.split('\n', 1)[0]})\n`)
    if (process.env['S3VAULT_DEBUG']) process.stderr.write(`${error.stack}\n`)
    return process.exit(70)
  }
}

// Node ends a process that waits for nothing, as if all were well or with its own code 13, which means something else here.
let isFinished = false
process.on('exit', () => {
  if (isFinished || process.exitCode !== undefined) return
  process.stderr.write('s3vault: internal error, please report: the program waits for something that never happens\n')
  process.exitCode = 70
})

/** Resolves when all that was printed has reached its reader, or the reader is gone. */
const delivered = (stream) => new Promise((resolve) => stream.write('', () => resolve()))

const { runProgram } = await loadProgram()
const exitCode = await runProgram(process.argv.slice(2), root)
// A pipe takes 64 KiB; process.exit would drop what a slow reader has not taken yet.
await Promise.all([delivered(process.stdout), delivered(process.stderr)])
isFinished = true
process.exit(exitCode)
