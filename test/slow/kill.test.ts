// Goal: kill -9 at any moment breaks nothing, and costs only what was under way.
// Method: the real program is killed at random moments of backups of fresh data, of restores and of checks. After each
// kill the vault checks clean and an earlier snapshot restores identically; in the end each interrupted backup finishes.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { SeededBytes } from '../../fixtures/seeded-bytes.ts'
import { compareTrees } from '../../fixtures/tree-comparator.ts'
import { Cli } from '../support/cli.ts'
import { SeededRandom, testSeed } from '../support/seeded-random.ts'
import { VaultDirectory } from '../e2e/storage-sites.ts'

const MIB = 2 ** 20
const seed = testSeed()
/** Fresh data for each: else the last kills would fall into runs that have nothing left to do. */
const ROUNDS = 5
const KILLS_OF_ROUND = 10
const ROUND_BYTES = 300 * MIB
const SETTLING_MS = 2100
/** Packs that one kill may cost, being stored but not yet noted: those under way to storage at once. */
const PACKS_LOST_BY_KILL_MAX = 8
const PACK_MIB = 2

describe('kill -9', () => {
  const cli = new Cli({ after }, 6 * 2 ** 30)
  const random = new SeededRandom(seed)
  const early = cli.path('early')
  let durationMs = 0

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

  for (let round = 1; round <= ROUNDS; round++) {
    it(`${KILLS_OF_ROUND} times in backups of the same 300 MB, round ${round}`, async (t) => {
      const name = `fresh-${round}`
      const source = cli.path(name)
      const vault = new VaultDirectory(cli.path('vault'))
      makeTree(name)
      await sleep(SETTLING_MS)
      const packsBefore = vault.names('packs/d/').length
      let kills = 0
      for (let attempt = 0; attempt < KILLS_OF_ROUND; attempt++) {
        const delayMs = random.below(Math.ceil(durationMs))
        if (await cli.killAfter(delayMs, ['backup', source])) kills++
        await isSound()
      }
      const storedMib = (vault.names('packs/d/').length - packsBefore) * PACK_MIB
      const last = await cli.backup([source])
      t.diagnostic(`${kills} of ${KILLS_OF_ROUND} runs killed; about ${storedMib} MiB stored by them, ${Math.round(last.bytesStored / MIB)} MiB by the last`)
      assert.ok(kills > 0, 'no run was killed: the machine is faster than it was')
      const lostMibMax = KILLS_OF_ROUND * PACKS_LOST_BY_KILL_MAX * PACK_MIB
      assert.ok(last.bytesStored / MIB <= ROUND_BYTES / MIB - storedMib + lostMibMax + 8, 'what killed runs had stored is used')
      if (storedMib > lostMibMax) assert.ok(last.bytesStored < ROUND_BYTES)
      await cli.restore([`latest:${source}`, '-t', cli.path('fresh-back'), '--delete'])
      assert.deepEqual(compareTrees(source, cli.path('fresh-back')), [])
    })
  }

  it('of a restore: the next one mends what is there', async () => {
    const source = cli.path(`fresh-${ROUNDS}`)
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
