// Goal: kill -9 at any moment breaks nothing, and costs only what was under way.
// Method: the real program is killed at random moments of backups of fresh data, of restores and of checks. After each
// kill the vault checks clean and an earlier snapshot restores identically; in the end each interrupted backup finishes.
import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { SeededBytes } from '../../fixtures/seeded-bytes.ts'
import { compareTrees } from '../../fixtures/tree-comparator.ts'
import { Cli, summaryOf, type BackupRecord } from '../support/cli.ts'
import { SeededRandom, testSeed } from '../support/seeded-random.ts'
import { VaultDirectory } from '../e2e/storage-sites.ts'

const MIB = 2 ** 20
const seed = testSeed()
const KILLS = 50
/** A round is fresh data and runs over it until one is not killed. */
const ROUNDS_MAX = 40
const KILLS_OF_ROUND_MAX = 10
const ROUND_BYTES = 300 * MIB
const SETTLING_MS = 2100
const PACK_MIB = 2
/** What one kill may cost of what was stored: packs that lay in the vault but were not noted yet, four a thread. */
const LOST_BYTES_MAX = 8 * PACK_MIB * MIB

const mib = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`

describe('kill -9', () => {
  const cli = new Cli({ after }, 6 * 2 ** 30)
  const random = new SeededRandom(seed)
  const early = cli.path('early')
  let durationMs = 0
  let newest = ''

  before(async () => {
    console.log(`seed ${seed}`)
    cli.write('early/file', 'from before\n')
    cli.write('early/deeper/noise', new SeededBytes(seed).noise('early', 3 * MIB))
    await cli.init(cli.path('vault'), '--pack-size', String(PACK_MIB))
    await cli.backup([early])
    // How long an undisturbed run takes, in a vault of its own.
    makeTree('timing')
    const other = new Cli({ after }, 2 ** 30)
    await other.init(undefined, '--pack-size', String(PACK_MIB))
    const startMs = performance.now()
    await other.backup([cli.path('timing')])
    durationMs = performance.now() - startMs
    rmSync(cli.path('timing'), { recursive: true })
    rmSync(other.path('vault'), { recursive: true })
    console.log(`an undisturbed backup takes ${Math.round(durationMs)} ms`)
  })

  /** Large, middling and small files, incompressible. */
  function makeTree(name: string): void {
    const bytes = new SeededBytes(`${seed} ${name}`)
    mkdirSync(cli.path(name))
    const write = (file: string, sizeBytes: number): void => writeFileSync(cli.path(name, file), bytes.noise(file, sizeBytes))
    write('large', ROUND_BYTES / 2)
    for (let index = 0; index < 120; index++) write(`middling-${index}`, MIB)
    for (let index = 0; index < 1500; index++) write(`small-${index}`, 20_000)
  }

  async function isSound(): Promise<void> {
    const { errors, findings } = await cli.check()
    assert.equal(errors, 0, JSON.stringify(findings))
    const [first] = await cli.snapshots('--path', early)
    await cli.restore([`${first}:${early}`, '-t', cli.path('early-back'), '--delete'])
    assert.deepEqual(compareTrees(early, cli.path('early-back')), [])
  }

  it(`${KILLS} times in backups of fresh data`, async (t) => {
    const vault = new VaultDirectory(cli.path('vault'))
    let [kills, round] = [0, 0]
    for (; kills < KILLS; round++) {
      assert.ok(round < ROUNDS_MAX, `only ${kills} kills in ${round} rounds`)
      if (round > 0) rmSync(newest, { recursive: true })
      newest = cli.path(`fresh-${round}`)
      makeTree(`fresh-${round}`)
      await sleep(SETTLING_MS)
      const killed = await oneRound(newest, vault)
      kills += killed.kills
      t.diagnostic(`round ${round}: ${killed.kills} kills, ${mib(killed.storedBytes)} stored by them, ${mib(killed.last.bytesStored)} by the last run`)
    }
    t.diagnostic(`${kills} kills in ${round} rounds`)
    assert.equal((await cli.check(['--read-data'])).errors, 0)
  })

  /** Backs up `source` again and again, killed each time, until a run gets to its end. */
  async function oneRound(source: string, vault: VaultDirectory): Promise<{ kills: number; storedBytes: number; last: BackupRecord }> {
    const packsBefore = new Set(vault.names('packs/d/'))
    const stored = (): number => vault.names('packs/d/').filter((name) => !packsBefore.has(name))
      .reduce((sum, name) => sum + vault.read(name).length, 0)
    for (let kills = 0; ; kills++) {
      const storedBytes = stored()
      const left = Math.max(0.2, 1 - storedBytes / ROUND_BYTES)
      const delayMs = kills < KILLS_OF_ROUND_MAX ? random.below(Math.ceil(durationMs * 0.9 * left)) : 600_000
      const run = await cli.killAfter(delayMs, ['backup', '--json', source])
      await isSound()
      if (run.signal !== null) continue
      const last = summaryOf<BackupRecord>(run)
      const unused = last.bytesStored + storedBytes - ROUND_BYTES
      assert.ok(unused <= kills * LOST_BYTES_MAX + 2 * MIB, `${mib(unused)} of what ${kills} killed runs had stored was stored again`)
      if (storedBytes > kills * LOST_BYTES_MAX + 2 * MIB) assert.ok(last.bytesStored < ROUND_BYTES, 'less than a full run')
      await cli.restore([`latest:${source}`, '-t', cli.path('fresh-back'), '--delete'])
      assert.deepEqual(compareTrees(source, cli.path('fresh-back')), [])
      return { kills, storedBytes, last }
    }
  }

  it('of a restore: the next one mends what is there', async () => {
    const source = newest
    const target = cli.path('killed-back')
    for (let attempt = 0; attempt < 5; attempt++) {
      await cli.killAfter(random.below(Math.ceil(durationMs)), ['restore', `latest:${source}`, '-t', target])
    }
    await cli.restore([`latest:${source}`, '-t', target, '--delete'])
    assert.deepEqual(compareTrees(source, target), [], 'no leftovers, nothing half written')
  })

  it('of a check: nothing was changed', async () => {
    const vault = new VaultDirectory(cli.path('vault'))
    const names = vault.names()
    for (let attempt = 0; attempt < 5; attempt++) {
      await cli.killAfter(random.below(Math.ceil(durationMs)), ['check', '--read-data'])
    }
    assert.deepEqual(vault.names(), names)
    assert.equal((await cli.check(['--read-data'])).errors, 0)
  })
})
