// Goal: no damage to a vault passes unseen: check names the object, and a restore gives right bytes or says that it cannot,
// never wrong ones.
// Method: one object of each kind flipped, cut or deleted in a copy of a vault, then check and restore by the real program.
// test/check/damage.test.ts does the same to every object without the program.
import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { SeededBytes } from '../../fixtures/seeded-bytes.ts'
import { compareTrees } from '../../fixtures/tree-comparator.ts'
import { Cli, warningsOf } from '../support/cli.ts'
import { SeededRandom, testSeed } from '../support/seeded-random.ts'
import { initVault, type VaultObjects } from './storage-sites.ts'

const seed = testSeed()
const DAMAGES = ['flip', 'truncate', 'delete'] as const
type Damage = (typeof DAMAGES)[number]

describe('damage', () => {
  const cli = new Cli({ after })
  const random = new SeededRandom(seed)
  const source = cli.path('source')
  const files: string[] = []
  let sound: VaultObjects

  before(async () => {
    console.log(`seed ${seed}`)
    const bytes = new SeededBytes(seed)
    // A pack of a MiB holds about three of these: damage to one leaves others whole.
    for (let index = 0; index < 12; index++) {
      cli.write(`source/file-${index}`, bytes.noise(`${index}`, 300_000))
      files.push(`file-${index}`)
    }
    sound = await initVault({ after }, cli, '--pack-size', '1')
    await cli.backup([source])
    assert.ok((await sound.names('packs/d/')).length >= 4)
  })

  /** A vault with one object of that prefix damaged, in place of the sound one; returns the object's name. */
  async function damaged(prefix: string, damage: Damage): Promise<{ vault: VaultObjects; name: string }> {
    const vault = await sound.copy('damaged')
    // What is cached locally would hide the damage.
    rmSync(cli.cacheDirectory, { recursive: true, force: true })
    const names = await vault.names(prefix)
    const name = names[random.below(names.length)] ?? ''
    const bytes = await vault.read(name)
    if (damage === 'delete') await vault.delete(name)
    else if (damage === 'truncate') await vault.write(name, bytes.subarray(0, random.below(bytes.length)))
    else {
      // Within the first half: behind it lie a pack's directory and footer, which a restore need not read.
      const at = 40 + random.below((bytes.length >> 1) - 40)
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8))
      await vault.write(name, bytes)
    }
    return { vault, name }
  }

  /** Restores; every file is right or reported. Returns the names of those reported. */
  async function restoreIsHonest(vault: VaultObjects): Promise<string[]> {
    const target = cli.path('target')
    rmSync(target, { recursive: true, force: true })
    const run = await cli.expect(3, ['restore', '--json', '-r', vault.repo, `latest:${source}`, '-t', target])
    const warned = warningsOf(run)
    const lost = files.filter((name) => warned.some((line) => line.startsWith(`${target}/${name}: `)))
    for (const name of files.filter((other) => !lost.includes(other))) {
      assert.ok(readFileSync(`${target}/${name}`).equals(readFileSync(`${source}/${name}`)), `${name}: wrong, and nobody says so`)
    }
    return lost
  }

  for (const damage of DAMAGES) {
    it(`data pack, ${damage}: named with what it hurts; the other files come back`, async () => {
      const { vault, name } = await damaged('packs/d/', damage)
      const { findings } = await cli.check(['-r', vault.repo, ...(damage === 'flip' ? ['--read-data'] : [])], 4)
      const finding = findings.find(({ object }) => object === name)
      assert.equal(finding?.severity, 'error', JSON.stringify(findings))
      const hurt = files.filter((file) => finding?.hurts?.paths.includes(`${source}/${file}`))
      const lost = await restoreIsHonest(vault)
      assert.ok(lost.length > 0 && lost.length < files.length, `${lost.length} files lost`)
      // A pack that is only cut hurts the files behind the cut, of which check without --read-data knows nothing.
      if (damage !== 'truncate') assert.deepEqual(lost, hurt)
    })

    it(`metadata pack, ${damage}: named`, async () => {
      const { vault, name } = await damaged('packs/m/', damage)
      const { findings } = await cli.check(['-r', vault.repo, '--read-data'], 4)
      assert.ok(findings.some(({ object, severity }) => object === name && severity === 'error'), JSON.stringify(findings))
    })

    it(`snapshot, ${damage}: named, and latest is not silently another`, async () => {
      const { vault, name } = await damaged('snapshots/', damage)
      const listed = await cli.run(['snapshots', '-r', vault.repo, '--json'])
      if (damage === 'delete') return assert.equal(listed.code, 0, 'the last one of a series has no witness')
      assert.equal(listed.code, 3)
      assert.ok(warningsOf(listed)[0]?.startsWith(`${name}: `))
      const { findings } = await cli.check(['-r', vault.repo], 4)
      assert.ok(findings.some(({ object, severity }) => object === name && severity === 'error'))
      assert.equal((await cli.fails(18, ['restore', '-r', vault.repo, 'latest', '-t', cli.path('none')])).code, 'snapshot-missing')
      assert.ok(!existsSync(cli.path('none')))
    })

    it(`index segment, ${damage}: named, or the packs that it named; all files come back`, async () => {
      const { vault, name } = await damaged('index/', damage)
      const { findings } = await cli.check(['-r', vault.repo], 4)
      const errors = findings.filter(({ severity }) => severity === 'error')
      if (damage === 'delete') {
        const there = await vault.names()
        assert.ok(errors.every(({ kind, object }) => kind === 'index-incomplete' && there.includes(object)))
      }
      else assert.ok(errors.some(({ object }) => object === name))
      assert.ok(errors.some(({ hurts }) => (hurts?.snapshots.length ?? 0) === 1), 'says which snapshot it hurts')
      // The packs say themselves what is in them: a lost index costs time and no file.
      const target = cli.path('target')
      rmSync(target, { recursive: true, force: true })
      await cli.restore(['-r', vault.repo, `latest:${source}`, '-t', target])
      assert.deepEqual(compareTrees(source, target), [])
    })

    it(`config, ${damage}: the vault does not open, and says why`, async () => {
      const { vault } = await damaged('config', damage)
      const check = ['check', '-r', vault.repo]
      const version = damage === 'delete' ? undefined : /"version":([2-9])/.exec((await vault.read('config')).toString('latin1'))
      if (version) { // the flip hit the one digit that means this
        assert.equal((await cli.fails(16, check)).code, 'vault-newer')
        return
      }
      const failure = await cli.fails(damage === 'delete' ? 10 : 17, check)
      assert.equal(failure.code, damage === 'delete' ? 'vault-incomplete' : 'vault-damaged')
      assert.match(failure.hint ?? '', /config/)
    })
  }

  it('key slots: damage to one is named, the other opens the vault; without any nothing does', async () => {
    const { vault, name } = await damaged('keys/', 'flip')
    const files = [cli.path('secret'), cli.path('recovery-key')]
    const codes: (number | null)[] = []
    for (const file of files) {
      const run = await cli.run(['check', '--json', '-r', vault.repo, '--password-file', file])
      codes.push(run.code)
      if (run.code === 4) assert.ok(run.records.some(({ object }) => object === name), 'check names the slot')
      else assert.ok(run.stderr.includes(name), 'the refusal names the slot')
    }
    // A flip in the part that is for people only closes neither.
    assert.ok(codes.includes(4) && codes.every((code) => code === 4 || code === 12), codes.join())
    for (const other of await vault.names('keys/')) await vault.delete(other)
    assert.equal((await cli.fails(17, ['check', '-r', vault.repo])).code, 'vault-damaged')
  })

  it('the sound vault is sound', async () => {
    assert.equal((await cli.check(['--read-data'])).errors, 0)
  })
})
