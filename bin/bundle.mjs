// Joins the modules that the program runs into few files: of the time to start, finding and linking 200 modules was half.
//   node bin/bundle.mjs OUT-DIRECTORY
// OUT/bundle/commands/   an entry for each command, and shared/program.js
// OUT/bundle/chunks/     the rest, with the worker threads' entries and the WASM module beside those who name them by
//                        import.meta.url; as deep below the package as OUT/src/*/, for the way to package.json
// What is loaded only when it is used, and large or native, stays outside: the S3 client, koffi.
import { copyFileSync, readdirSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const out = resolve(process.argv[2] ?? 'dist')
const THREADS = ['src/archiver/reader-thread.ts', 'src/restorer/thread.ts', 'src/check/verifier-thread.ts', 'src/mount/mount-thread.ts']

const commands = readdirSync(join(root, 'commands')).filter((name) => name.endsWith('.ts'))
const entries = [
  ['commands/shared/program', 'commands/shared/program.ts'],
  ...commands.map((name) => [`commands/${basename(name, '.ts')}`, `commands/${name}`]),
  ...THREADS.map((path) => [`chunks/${basename(path, '.ts')}`, path]),
]

const build = await rolldown({
  cwd: root,
  input: Object.fromEntries(entries),
  platform: 'node',
  external: [/^node:/, /^koffi$/, /^@aws-sdk\//, /^@smithy\//],
  onLog(level, log, handler) {
    // A module that is not found must not become an import that fails at a customer's.
    if (level === 'warn' && log.code === 'UNRESOLVED_IMPORT') throw new Error(log.message)
    if (level !== 'warn') handler(level, log)
  },
})
await build.write({
  dir: join(out, 'bundle'), format: 'esm', sourcemap: true,
  entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js',
})
copyFileSync(join(out, 'src', 'chunker', 'fastcdc.wasm'), join(out, 'bundle', 'chunks', 'fastcdc.wasm'))
