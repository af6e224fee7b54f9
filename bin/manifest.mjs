// Writes oclif.manifest.json into a finished build, so that help is shown without loading every command.
//   node bin/manifest.mjs OUT-DIRECTORY
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Plugin } from '@oclif/core/config'

const out = resolve(process.argv[2] ?? 'dist')
const packageFile = join(dirname(fileURLToPath(import.meta.url)), '..', 'package.json')
const { programManifest } = await import(join(out, 'commands', 'shared', 'program-manifest.js'))
const pjson = programManifest(JSON.parse(readFileSync(packageFile, 'utf8')))

const plugin = new Plugin({ root: out, isRoot: true, pjson, ignoreManifest: true, errorOnManifestCreate: true })
await plugin.load()
writeFileSync(join(out, 'oclif.manifest.json'), JSON.stringify(plugin.manifest))
