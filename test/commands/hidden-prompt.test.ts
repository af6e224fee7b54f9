// Goal: typing at the password prompt does what people expect, and nothing of it is shown. The terminal is a pair of
// streams here; program.test.ts uses a real pseudo-terminal.
import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { HiddenPrompt, type PromptTerminal } from '../../commands/shared/hidden-prompt.ts'
import { isVaultError, VaultError } from '../../src/errors/vault-error.ts'

class Keyboard extends PassThrough {
  modes: boolean[] = []

  setRawMode(mode: boolean): void {
    this.modes.push(mode)
  }
}

function terminal(): { keyboard: Keyboard; shown: () => string; prompt: HiddenPrompt } {
  const keyboard = new Keyboard()
  let shown = ''
  const streams: PromptTerminal = { input: keyboard, output: { write: (text: string) => (shown += text) } }
  return { keyboard, shown: () => shown, prompt: new HiddenPrompt(streams) }
}

async function typing(...pieces: string[]): Promise<string> {
  const { keyboard, shown, prompt } = terminal()
  for (const piece of pieces) keyboard.write(piece)
  const answer = await prompt.ask('password: ')
  assert.equal(shown(), 'password: \n')
  assert.deepEqual(keyboard.modes, [true, false])
  return answer
}

test('a line ends with return, in one piece or several, and characters may be split', async () => {
  assert.equal(await typing('secret\r'), 'secret')
  assert.equal(await typing('sec', 'ret', '\n'), 'secret')
  const { keyboard, prompt } = terminal()
  const answer = prompt.ask('? ')
  for (const byte of Buffer.from('pässword漢\r')) keyboard.write(Buffer.from([byte]))
  assert.equal(await answer, 'pässword漢')
})

test('backspace takes a whole character, Ctrl-U the line, other controls nothing', async () => {
  assert.equal(await typing('ab🙂\u007fc\r'), 'abc')
  assert.equal(await typing('\u007fa\r'), 'a')
  assert.equal(await typing('wrong\u0015right\r'), 'right')
  assert.equal(await typing('a\u0001b\tc\r'), 'abc')
})

test('what is pasted beyond the first line answers the next question', async () => {
  const { keyboard, prompt } = terminal()
  keyboard.write('one\ntwo\n')
  assert.equal(await prompt.ask('1 '), 'one')
  assert.equal(await prompt.ask('2 '), 'two')
})

test('Ctrl-C, Ctrl-D and an abort end the question and give the terminal back', async () => {
  for (const keys of ['abc\u0003', '\u0004']) {
    const { keyboard, prompt } = terminal()
    keyboard.write(keys)
    await assert.rejects(prompt.ask('? '), (error) => isVaultError(error, 'interrupted'))
    assert.deepEqual(keyboard.modes, [true, false])
  }
  const { keyboard, prompt } = terminal()
  const stop = new AbortController()
  const answer = prompt.ask('? ', stop.signal)
  stop.abort(new VaultError('interrupted', 'stopped'))
  await assert.rejects(answer, /stopped/)
  assert.deepEqual(keyboard.modes, [true, false])
})
