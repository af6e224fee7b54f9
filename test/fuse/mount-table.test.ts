import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { mountedAt, mountTable } from '../../src/fuse/mount-table.ts'

const LINES = [
  '21 1 254:0 / / rw,relatime - ext4 /dev/vda rw',
  '40 21 0:30 / /mnt/a\\040b\\134c rw,nosuid shared:3 master:1 - fuse.s3vault s3://bucket/x ro,user_id=0',
  '41 21 0:31 / /mnt/a\\040b\\134c rw - tmpfs tmpfs rw',
  '42 21 0:32 / /mnt/\xff rw - fuse.s3vault /vault ro', '',
].join('\n')

test('mountinfo: escapes, optional fields, names that are not UTF-8, and the last mount at a place', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 's3vault-mounts-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'mountinfo')
  writeFileSync(file, LINES, 'latin1')
  const table = mountTable(file)
  assert.deepEqual(table.map(({ type }) => type), ['ext4', 'fuse.s3vault', 'tmpfs', 'fuse.s3vault'])
  const place = Buffer.from('/mnt/a b\\c')
  assert.equal(mountedAt(place, table)?.type, 'tmpfs')
  assert.equal(mountedAt(place, table.slice(0, 2))?.device, '0:30')
  assert.equal(Buffer.from(mountedAt(Buffer.from('/mnt/\xff', 'latin1'), table)?.source ?? []).toString(), '/vault')
  assert.equal(mountedAt(Buffer.from('/mnt'), table), undefined)
})
