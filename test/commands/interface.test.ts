// Goal: a change of the command line's interface shows in review, and the README says what the commands say.
// After a wanted change: UPDATE_SNAPSHOTS=1 npm test writes both anew.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { commandDefinitions } from './command-definitions.ts'
import { packageRoot } from './program-process.ts'
import { exitCodeTable, referenceMarkdown } from './reference.ts'

const isUpdate = process.env['UPDATE_SNAPSHOTS'] === '1'
const snapshotFile = join(packageRoot, 'test', 'commands', 'flags.snapshot.json')
const readmeFile = join(packageRoot, 'README.md')

test('commands, arguments and flags are those of the snapshot', async () => {
  const interfaces = (await commandDefinitions()).map(({ id, args, flags }) => ({
    id,
    args: args.map(({ description: _description, ...arg }) => arg),
    flags: flags.map(({ description: _description, group: _group, ...flag }) => flag),
  }))
  const text = `${JSON.stringify(interfaces, undefined, 2)}\n`
  if (isUpdate) writeFileSync(snapshotFile, text)
  assert.equal(text, readFileSync(snapshotFile, 'utf8'))
})

test('every flag and argument has a description, and one letter means one thing', async () => {
  const meanings = new Map<string, string>()
  for (const { id, summary, args, flags } of await commandDefinitions()) {
    assert.ok(summary !== '', id)
    for (const { name, description } of [...args, ...flags]) assert.ok(description !== '', `${id} ${name}`)
    for (const { name, char } of flags) {
      if (char === undefined) continue
      assert.equal(meanings.get(char) ?? name, name, `-${char} of ${id}`)
      meanings.set(char, name)
    }
  }
})

test('help of every command has the table of exit codes', async () => {
  for (const { id } of await commandDefinitions()) {
    const module = (await import(new URL(`../../commands/${id}.js`, import.meta.url).href)) as { default: { description?: string } }
    assert.match(module.default.description ?? '', /EXIT CODES\n {4}0 {2}success\n/, id)
  }
})

for (const [name, generate] of [['commands', referenceMarkdown], ['exit codes', exitCodeTable]] as const) {
  test(`the README's section "${name}" is what the commands say`, async () => {
    const wanted = await generate()
    const readme = readFileSync(readmeFile, 'utf8')
    const [start, end] = [`<!-- ${name}: generated, see test/commands/interface.test.ts -->\n`, `<!-- end of ${name} -->\n`]
    const from = readme.indexOf(start) + start.length
    const to = readme.indexOf(end)
    assert.ok(from >= start.length && to >= from, `README.md has no marks for ${name}`)
    if (isUpdate) writeFileSync(readmeFile, readme.slice(0, from) + wanted + readme.slice(to))
    else assert.equal(readme.slice(from, to), wanted)
  })
}
