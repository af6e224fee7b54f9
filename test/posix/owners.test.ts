import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { groupId, groupName, userId, userName } from '../../src/posix/owners.ts'
import { scratchDirectory, unlessRoot } from './scratch-directory.ts'

function localEntries(path: string): [name: string, id: number][] {
  const lines = readFileSync(path, 'utf8').split('\n').map((line) => line.split(':'))
  return lines.filter((fields) => fields.length > 3).map((fields) => [fields[0]!, Number(fields[2])])
}

test('every local user and group is known by id and by name', () => {
  for (const [ask, askId, path] of [[userName, userId, '/etc/passwd'], [groupName, groupId, '/etc/group']] as const) {
    const seenIds = new Set<number>()
    for (const [name, id] of localEntries(path)) {
      assert.equal(askId(name), id)
      if (!seenIds.has(id)) assert.equal(ask(id), name)
      seenIds.add(id)
    }
    assert.ok(seenIds.has(0))
  }
})

test('strangers are undefined, also when asked again', () => {
  for (let round = 0; round < 2; round++) {
    assert.equal(userName(0xfffffff0), undefined)
    assert.equal(groupName(0xfffffff0), undefined)
    assert.equal(userId('no such user here'), undefined)
    assert.equal(groupId('no such group here'), undefined)
  }
  assert.equal(userId(''), undefined)
  assert.equal(userId('root\0x'), undefined)
})

test('a group of 20,000 members is read whole (ERANGE grows the buffer)', { skip: unlessRoot }, (t) => {
  const directory = scratchDirectory(t)
  const members = Array.from({ length: 20_000 }, (_, index) => `member${index}`).join(',')
  writeFileSync(`${directory}/group`, `${readFileSync('/etc/group', 'utf8').trim()}\nhuge:x:54321:${members}\n`)
  const script = `
    const { groupName, groupId } = await import(${JSON.stringify(new URL('../../src/posix/owners.js', import.meta.url).href)})
    console.log(groupName(54321), groupId('huge'), groupName(0))`
  writeFileSync(`${directory}/ask.mjs`, script)
  // A mount namespace of its own: the machine's /etc/group stays as it is.
  const command = 'mount --bind "$1/group" /etc/group || exit 42; exec "$2" "$1/ask.mjs"'
  const result = spawnSync('unshare', ['-m', 'sh', '-c', command, 'sh', directory, process.execPath], { encoding: 'utf8' })
  if (result.error !== undefined || result.status === 42 || /unshare/.test(result.stderr)) {
    return t.skip('cannot make a mount namespace here')
  }
  assert.equal(result.stdout, 'huge 54321 root\n', result.stderr)
})
