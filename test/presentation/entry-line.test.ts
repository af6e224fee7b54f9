// Goal: entries look as ls shows them, and their JSON loses nothing.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { entryRecord, longEntryLine, modeText, timeText } from '../../src/presentation/entry-line.ts'
import type { Inode } from '../../src/tree/entry.ts'

const attributes = {
  mode: 0o644, uid: 1000, gid: 100, user: 'ana', group: '', mtimeSeconds: 1_795_761_157, mtimeNanos: 5, xattrs: [],
}
const path = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'))

test('mode letters are those of ls', () => {
  assert.equal(modeText('file', 0o644), '-rw-r--r--')
  assert.equal(modeText('directory', 0o1777), 'drwxrwxrwt')
  assert.equal(modeText('directory', 0o1776), 'drwxrwxrwT')
  assert.equal(modeText('file', 0o4755), '-rwsr-xr-x')
  assert.equal(modeText('file', 0o6644), '-rwSr-Sr--')
  assert.equal(modeText('block', 0), 'b---------')
})

test('a long line has owner, size and time, and a printable name', () => {
  const file: Inode = { ...attributes, kind: 'file', size: 42, isSparse: false, content: { items: [] } }
  const line = longEntryLine({ path: path('/a/b\xff\n'), inode: file })
  assert.match(line, /^-rw-r--r-- ana {6}100 {6} {10}42 \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \/a\/b\\xff\\x0a$/)
  const link: Inode = { ...attributes, kind: 'symlink', target: path('../c') }
  assert.match(longEntryLine({ path: path('/l'), inode: link }), /^lrw-.* \/l -> \.\.\/c$/)
  const device: Inode = { ...attributes, kind: 'char', major: 1, minor: 3 }
  assert.match(longEntryLine({ path: path('/d'), inode: device }), /^crw-.* 1, 3 /)
})

test('JSON has nanoseconds, an octal mode and kinds', () => {
  const file: Inode = { ...attributes, kind: 'file', size: 42, isSparse: false, content: { items: [] } }
  assert.deepEqual(entryRecord({ path: path('/a'), inode: file }), {
    path: '/a', kind: 'file', mode: '0644', uid: 1000, gid: 100, user: 'ana', group: '',
    mtime: '2026-11-27T06:32:37.000000005Z', size: 42,
  })
})

test('times outside the calendar are still told apart', () => {
  assert.equal(timeText(-1, 999_999_999), '1969-12-31T23:59:59.999999999Z')
  assert.equal(timeText(2 ** 50, 1), `${2 ** 50}.000000001`)
})
