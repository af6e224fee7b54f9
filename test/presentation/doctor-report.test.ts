// Goal: the table of the doctor stays within the terminal, and the last line says whether a vault works there, and why not.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DoctorResult } from '../../src/operations/doctor.ts'
import { doctorReport, doctorTable, storageLine } from '../../src/presentation/doctor-report.ts'
import { wrapText } from '../../src/presentation/wrapped-text.ts'
import { finding } from '../../src/probe/finding.ts'

test('text is broken at blanks, and a long word stays whole', () => {
  assert.deepEqual(wrapText('one two three', 7), ['one two', 'three'])
  assert.deepEqual(wrapText('a-very-long-word b', 5), ['a-very-long-word', 'b'])
  assert.deepEqual(wrapText('', 5), [''])
})

test('a table: what was seen, below it what that means, no control characters', () => {
  const lines = doctorTable([finding('PUT', 'ok', 'allowed\u001b[31m', 'backups can be stored there every day')], 46)
  assert.deepEqual(lines.slice(0, 1), ['PROBE  STATE  SEEN, AND WHAT IT MEANS'])
  assert.match(lines[1] ?? '', /^PUT    ok     allowed/)
  assert.equal(lines[2], '                backups can be stored there')
  assert.equal(lines[3], '                every day')
  assert.ok(lines.every((line) => line.length <= 46))
  assert.ok(!lines.join('').includes('\u001b'))
})

const result: DoctorResult = {
  location: 's3://b/v', verdict: 'fit', differences: [], leftBehind: [], requests: 66,
  findings: [
    finding('LIST', 'missing', '403', '', 'required'), finding('versioning', 'missing', 'off', ''), finding('clock', 'limited', '', ''),
  ],
}

test('the last line', () => {
  assert.deepEqual(doctorReport(result), ['s3://b/v: a vault works there, with 1 limit (66 requests)'])
  assert.deepEqual(doctorReport({ ...result, verdict: 'unfit' }), ['s3://b/v: not fit for a vault: LIST (66 requests)'])
  assert.deepEqual(doctorReport({ ...result, verdict: 'unreachable', requests: 1 }), ['s3://b/v: could not be reached (1 request)'])
  assert.deepEqual(doctorReport({ ...result, requests: 0, findings: [] }), ['s3://b/v: a vault works there'])
})

test('what init says of a bucket', () => {
  const capabilities = {
    conditionalPut: 'ignored', checksum: 'absent', wrongChecksum: 'accepted', versioning: 'enabled', objectLock: 'enabled',
    defaultRetention: { mode: 'COMPLIANCE', days: 30 },
  } as const
  assert.equal(storageLine({ endpoint: '', bucket: '', probed: '', capabilities }),
    'storage: conditional PUT ignored, checksum absent, versioning enabled, Object Lock enabled (COMPLIANCE for 30 days)')
})
