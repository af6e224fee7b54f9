// Goal: a generated secret survives being read aloud and typed, and a typing error is told from a wrong password.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { formatSecret, parseSecret } from '../../src/crypto/secret-text.ts'
import { isVaultError } from '../../src/errors/vault-error.ts'
import { SeededRandom, testSeed } from '../support/seeded-random.ts'

const seed = testSeed()
console.log(`seed ${seed}`)
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const isTypo = (error: unknown): boolean => isVaultError(error, 'password-wrong')

it('round trip, in the forms that people type', () => {
  const random = new SeededRandom(seed)
  for (let round = 0; round < 200; round++) {
    for (const kind of ['secret', 'recovery'] as const) {
      const secret = random.bytes(32)
      const text = formatSecret(kind, secret)
      assert.match(text, /^S3VAULT-(SECRET|RECOVERY)-1(-[0-9A-HJKMNP-TV-Z]{4}){14}$/)
      const prefix = text.slice(0, text.length - 70)
      const body = text.slice(prefix.length)
      for (const typed of [
        text, text.toLowerCase(), ` ${text}\n`, prefix + body.replaceAll('-', ' '), prefix + body.replaceAll('-', ''),
        prefix + body.replaceAll('0', 'o').replaceAll('1', round % 2 === 0 ? 'l' : 'I'),
        text.replaceAll('-', ' '), text.replaceAll('-', ''), text.replaceAll('-', ' - '), text.replaceAll('-', '\u2013'),
        text.replaceAll('-', '\n').toLowerCase(), text.replace(/[O0]/g, (letter) => (letter === 'O' ? '0' : 'O')),
        text.replaceAll('1', round % 2 === 0 ? 'l' : 'I').replaceAll('-', ' '), text.replace('L', '1').replace('O', 'o'),
      ]) {
        const parsed = parseSecret(typed)
        assert.equal(parsed?.kind, kind)
        assert.deepEqual(parsed && [...parsed.secret], [...secret])
      }
    }
  }
})

it('one wrong, missing, additional or swapped letter is a typing error', () => {
  const random = new SeededRandom(seed)
  const text = formatSecret('recovery', random.bytes(32))
  const start = text.length - 70
  for (let at = start; at < text.length; at++) {
    if (text[at] === '-') continue
    const letter = ALPHABET[random.below(32)] ?? ''
    const wrong = text.slice(0, at) + letter + text.slice(at + 1)
    if (wrong !== text) assert.throws(() => parseSecret(wrong), isTypo, wrong)
    assert.throws(() => parseSecret(text.slice(0, at) + text.slice(at + 1)), isTypo)
    assert.throws(() => parseSecret(text.slice(0, at) + letter + text.slice(at)), isTypo)
    const next = text[at + 1]
    if (next !== undefined && next !== '-' && next !== text[at]) {
      assert.throws(() => parseSecret(text.slice(0, at) + next + text[at] + text.slice(at + 2)), isTypo)
    }
    assert.throws(() => parseSecret(`${text.slice(0, at)}U${text.slice(at + 1)}`), isTypo, 'a letter that is none')
  }
})

it('a letter more at the end is a typing error', () => {
  const text = formatSecret('secret', new SeededRandom(seed).bytes(32))
  for (const letter of ALPHABET) assert.throws(() => parseSecret(text + letter), isTypo, letter)
})

it('a typing error is told from a passphrase also in what is typed with blanks', () => {
  const text = formatSecret('recovery', new SeededRandom(seed).bytes(32)).replaceAll('-', ' ')
  assert.throws(() => parseSecret(text.slice(0, -1)), isTypo)
})

it('a secret never passes for a recovery key', () => {
  const text = formatSecret('secret', new SeededRandom(seed).bytes(32))
  assert.throws(() => parseSecret(text.replace('SECRET', 'RECOVERY')), isTypo)
})

it('anything else is a passphrase', () => {
  for (const text of ['', ' ', 'correct horse', 'S3VAULT', 'S3VAULT-SECRET', 'x S3VAULT-SECRET-1-AAAA']) {
    assert.equal(parseSecret(text), undefined)
  }
})
