import assert from 'node:assert/strict'
import { closeSync, lstatSync, openSync, symlinkSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimes, type FileTime } from '../../src/posix/times.ts'
import { SeededBytes } from '../../fixtures/seeded-bytes.ts'
import { scratchDirectory } from './scratch-directory.ts'

const times = (path: string): [bigint, bigint] => {
  const stat = lstatSync(path, { bigint: true })
  return [stat.atimeNs, stat.mtimeNs]
}

test('times are kept to the nanosecond: before 1970, after 2038, as bigint and as a pair', (t) => {
  const path = `${scratchDirectory(t)}/file`
  writeFileSync(path, '')
  const cases: [FileTime, bigint][] = [
    [0n, 0n],
    [1n, 1n],
    [-1n, -1n],
    [-1_000_000_000n, -1_000_000_000n],
    [-1_500_000_001n, -1_500_000_001n],
    [1_699_999_999_999_999_999n, 1_699_999_999_999_999_999n],
    [2_147_483_648_000_000_001n, 2_147_483_648_000_000_001n],
    [{ seconds: -2, nanoseconds: 999_999_999 }, -1_000_000_001n],
    [{ seconds: 4_102_444_800, nanoseconds: 5 }, 4_102_444_800_000_000_005n],
  ]
  for (const [given, expected] of cases) {
    setTimes(Buffer.from(path), given, given)
    assert.deepEqual(times(path), [expected, expected])
  }
})

test('random times within what ext4 holds come back as they were', (t) => {
  const seed = Date.now()
  t.diagnostic(`seed ${seed}`)
  const random = new SeededBytes(seed)
  const path = `${scratchDirectory(t)}/file`
  writeFileSync(path, '')
  for (let round = 0; round < 300; round++) {
    // 1901-12-14 to 2446-05-10
    const span = 15_032_385_535n + 2_147_483_647n
    const raw = random.noise(`time-${round}`, 8).readBigUInt64LE()
    const time = (raw % span - 2_147_483_647n) * 1_000_000_000n + ((raw >> 20n) % 1_000_000_000n)
    setTimes(Buffer.from(path), 'omit', time)
    assert.equal(times(path)[1], time)
  }
})

test('an omitted time stays', (t) => {
  const path = `${scratchDirectory(t)}/file`
  writeFileSync(path, '')
  setTimes(Buffer.from(path), 11n, 22n)
  setTimes(Buffer.from(path), 'omit', 33n)
  assert.deepEqual(times(path), [11n, 33n])
  setTimes(Buffer.from(path), 44n, 'omit')
  assert.deepEqual(times(path), [44n, 33n])
})

test('a symlink gets its own times, a descriptor those of its file', (t) => {
  const directory = scratchDirectory(t)
  writeFileSync(`${directory}/aim`, '')
  symlinkSync('aim', `${directory}/link`)
  const fd = openSync(`${directory}/aim`, 'r')
  t.after(() => closeSync(fd))
  setTimes(fd, 1n, 2n)
  setTimes(Buffer.from(`${directory}/link`), 3n, 4n)
  assert.deepEqual(times(`${directory}/aim`), [1n, 2n])
  assert.deepEqual(times(`${directory}/link`), [3n, 4n])
})

test('a missing file is ENOENT', (t) => {
  assert.throws(() => setTimes(Buffer.from(`${scratchDirectory(t)}/no`), 0n, 0n), { code: 'ENOENT', syscall: 'utimensat' })
})
