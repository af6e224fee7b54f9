import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { isDying } from '../../src/fuse/dying.ts'

test('a process that lives or only stands still is not dying; one that is gone is', async () => {
  assert.equal(isDying(process.pid), false)
  assert.equal(isDying(0), false)
  const child = spawn('sleep', ['60'])
  const pid = child.pid ?? 0
  child.kill('SIGSTOP')
  assert.equal(isDying(pid), false)
  child.kill('SIGKILL')
  await once(child, 'exit')
  assert.equal(isDying(pid), true)
})
