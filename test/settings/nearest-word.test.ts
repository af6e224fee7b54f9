// Goal: a typing error finds the word that was meant, and a foreign word finds none.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { didYouMean, nearestWord } from '../../src/settings/nearest-word.ts'

const commands = ['backup', 'check', 'init', 'ls', 'restore', 'snapshots', 'stats']

test('the nearest word', () => {
  const meant = { bakcup: 'backup', snapshot: 'snapshots', chekc: 'check', Stats: 'stats', l: 'ls', stat: 'stats', restroe: 'restore' }
  for (const [word, wanted] of Object.entries(meant)) assert.equal(nearestWord(word, commands), wanted, word)
  for (const word of ['frobnicate', 'mount', 'x', '']) assert.equal(nearestWord(word, commands), undefined, word)
  assert.equal(didYouMean('bakup', commands), ' (did you mean backup?)')
  assert.equal(didYouMean('mount', commands), '')
})
