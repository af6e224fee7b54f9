// Goal: the doctor tells what a directory is good for, and leaves it as it was.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { systemClock } from '../../src/async/clock.ts'
import { clockFinding, diskFinding, lockingFinding, probeDirectory, resolutionFinding, roomFinding } from '../../src/probe/directory.ts'
import { fileSystemFinding } from '../../src/probe/file-systems.ts'
import { isHindrance, type ProbeFinding } from '../../src/probe/finding.ts'
import { found } from './probing.ts'

function scratch(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 's3vault-probe-'))
  t.after(() => rmSync(directory, { recursive: true }))
  return directory
}

const probe = async (path: string): Promise<readonly ProbeFinding[]> => (await probeDirectory({ path, clock: systemClock })).findings
const namesOf = (findings: readonly ProbeFinding[]): string[] => findings.map(({ name }) => name)

test('a directory of an ordinary file system is fit and stays as it was', async (t) => {
  const directory = scratch(t)
  mkdirSync(join(directory, 'doctor'))
  writeFileSync(join(directory, 'doctor', 'of-another'), '')
  const findings = await probe(directory)
  assert.deepEqual(findings.filter(isHindrance), [])
  for (const name of ['directory', 'writing', 'hard links', 'locks']) assert.equal(found(findings, name).state, 'ok', name)
  assert.deepEqual(readdirSync(directory, { recursive: true }).sort(), ['doctor', 'doctor/of-another'], 'another doctor is not disturbed')
  const empty = join(directory, 'empty')
  mkdirSync(empty)
  await probe(empty)
  assert.deepEqual(readdirSync(empty), [])
})

test('a directory that does not exist is not made', async (t) => {
  const directory = scratch(t)
  const findings = await probe(join(directory, 'not', 'yet'))
  assert.match(found(findings, 'directory').seen, /would be made in/)
  assert.equal(found(findings, 'writing').state, 'ok')
  assert.deepEqual(readdirSync(directory), [])
})

test('a file, and a place that cannot be written, are told as such', async (t) => {
  const file = join(scratch(t), 'file')
  writeFileSync(file, '')
  assert.deepEqual(namesOf(await probe(file)), ['directory'])
  assert.ok((await probe(file)).some(isHindrance))
  assert.ok((await probe(join(file, 'below'))).some(isHindrance))
  const unwritable = await probe('/proc')
  assert.equal(found(unwritable, 'writing').state, 'missing')
  assert.ok(unwritable.some(isHindrance))
})

test('verdicts', () => {
  const type = (magic: number): string => `${fileSystemFinding(magic).seen} ${fileSystemFinding(magic).state}`
  assert.deepEqual([0xef53, 0x6969, 0x01021994, 0x65735546, 0x4d44].map(type), [
    'ext4 ok', 'NFS limited', 'tmpfs limited', 'FUSE limited', 'FAT limited',
  ])
  assert.equal(type(0x9123683e | 0), 'btrfs ok', 'as a signed number')
  assert.equal(type(0x1234), 'type 0x1234 unknown')
  assert.equal(roomFinding({ freeBytes: 2n ** 40n, freeInodes: undefined }).state, 'ok')
  assert.equal(roomFinding({ freeBytes: 2n ** 20n, freeInodes: undefined }).state, 'limited')
  assert.equal(roomFinding({ freeBytes: 2n ** 40n, freeInodes: 5n }).state, 'limited')
  assert.deepEqual([diskFinding(true).state, diskFinding(false).state], ['limited', 'ok'])
  assert.deepEqual([lockingFinding(true), lockingFinding(false)].map(isHindrance), [true, false])
  assert.deepEqual([resolutionFinding([2_000_000_000n, 3_000_000_000n]).state, resolutionFinding([2_000_000_001n]).state], ['limited', 'ok'])
  assert.deepEqual([clockFinding(0).state, clockFinding(-3e6).state], ['ok', 'limited'])
  assert.match(clockFinding(-90_000).seen, /^90 s ahead of this machine$/)
})
