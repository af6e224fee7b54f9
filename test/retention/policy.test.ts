// Goal: a policy keeps what its user expects, at the edges of the calendar too. Method: written-out schedules in a zone with
// daylight-saving time.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDuration } from '../../src/retention/duration.ts'
import { groupSnapshots } from '../../src/retention/grouping.ts'
import { periodOf } from '../../src/retention/period.ts'
import { applyPolicy, isEmptyPolicy, type RetainedSnapshot, type RetentionPolicy } from '../../src/retention/policy.ts'

process.env.TZ = 'Europe/Berlin'

let ids = 0
const snapshot = (time: string, tags: string[] = []): RetainedSnapshot =>
  ({ id: (ids++).toString(16).padStart(64, '0'), time: new Date(time).toISOString(), tags })
const NOW = new Date('2030-01-01T00:00:00+01:00')

/** Local times of what is kept, oldest first. */
function kept(times: readonly string[], policy: RetentionPolicy): string[] {
  const snapshots = times.map((time) => snapshot(time))
  const byId = new Map(snapshots.map(({ id }, index) => [id, times[index] ?? '']))
  return applyPolicy(snapshots, policy, NOW).filter(({ reasons }) => reasons.length > 0)
    .map(({ snapshot: { id } }) => byId.get(id) ?? '').reverse()
}

test('counts go from the newest back, one a period, and a rule with counts left keeps the oldest too', () => {
  const days = ['2026-03-01T08:00', '2026-03-02T08:00', '2026-03-02T20:00', '2026-03-03T08:00', '2026-03-05T08:00']
  assert.deepEqual(kept(days, { counts: { daily: 2 } }), ['2026-03-03T08:00', '2026-03-05T08:00'])
  assert.deepEqual(kept(days, { counts: { daily: 3 } }), ['2026-03-02T20:00', '2026-03-03T08:00', '2026-03-05T08:00'])
  assert.deepEqual(kept(days, { last: 1 }), ['2026-03-05T08:00'])
  assert.deepEqual(kept(days, { last: 'all' }), days)
  assert.deepEqual(kept(days, { counts: { yearly: 3 } }), ['2026-03-01T08:00', '2026-03-05T08:00'])
})

test('days and hours are those of the zone, also where the clock is changed', () => {
  // 2026-10-25: 02:30 comes twice; 2026-03-29 has no 02:30.
  assert.equal(periodOf(new Date('2026-10-25T00:30:00Z'), 'hourly'), periodOf(new Date('2026-10-25T01:30:00Z'), 'hourly'))
  assert.notEqual(periodOf(new Date('2026-10-25T01:30:00Z'), 'hourly'), periodOf(new Date('2026-10-25T02:30:00Z'), 'hourly'))
  assert.equal(periodOf(new Date('2026-03-28T23:30:00Z'), 'daily'), 2026_03_29)
  assert.equal(periodOf(new Date('2026-03-29T21:59:59Z'), 'daily'), 2026_03_29)
})

test('weeks are those of ISO 8601 across the turn of years', () => {
  const weeks: [string, number][] = [
    ['2020-12-31', 2020_53], ['2021-01-03', 2020_53], ['2021-01-04', 2021_01], ['2024-12-29', 2024_52], ['2024-12-30', 2025_01],
    ['2026-12-31', 2026_53], ['2027-01-03', 2026_53], ['2027-01-04', 2027_01],
  ]
  for (const [day, week] of weeks) assert.equal(periodOf(new Date(`${day}T12:00`), 'weekly'), week, day)
})

test('within counts from the newest snapshot that is not in the future', () => {
  const times = ['2026-01-31T12:00', '2026-02-27T12:00', '2026-02-28T11:00', '2026-03-31T12:00', '2031-01-01T00:00']
  assert.deepEqual(kept(times, { within: parseDuration('1m') }), ['2026-03-31T12:00', '2031-01-01T00:00'])
  // A month before March 31 there is no such day, it runs over to March 3; with four days more it is February 27.
  assert.deepEqual(kept(times, { within: parseDuration('1m4d') }), ['2026-02-28T11:00', '2026-03-31T12:00', '2031-01-01T00:00'])
  assert.deepEqual(kept(times, { withinPeriods: { monthly: parseDuration('2m') } }), ['2026-02-28T11:00', '2026-03-31T12:00', '2031-01-01T00:00'])
})

test('tags and ids are kept whatever their age, and do not count', () => {
  const [old, tagged, newest] = [snapshot('2020-01-01T00:00'), snapshot('2021-01-01T00:00', ['a', 'b']), snapshot('2022-01-01T00:00')]
  const all = [old, tagged, newest].filter((one) => one !== undefined)
  const keeps = (policy: RetentionPolicy): RetainedSnapshot[] =>
    applyPolicy(all, policy, NOW).filter(({ reasons }) => reasons.length > 0).map(({ snapshot: one }) => one)
  assert.deepEqual(keeps({ tags: [['b', 'a']] }), [tagged])
  assert.deepEqual(keeps({ tags: [['a', 'c']] }), [])
  assert.deepEqual(keeps({ ids: [old?.id.slice(0, 64) ?? ''], last: 1 }), [newest, old])
})

test('a policy without a rule is empty', () => {
  assert.ok(isEmptyPolicy({}))
  assert.ok(isEmptyPolicy({ counts: {}, withinPeriods: {}, tags: [], ids: [] }))
  assert.ok(!isEmptyPolicy({ last: 1 }))
  assert.ok(!isEmptyPolicy({ tags: [[]] }))
})

test('durations: each unit once, nothing else', () => {
  assert.deepEqual(parseDuration('1y2m3d4h'), { years: 1, months: 2, days: 3, hours: 4 })
  assert.deepEqual(parseDuration('12h'), { years: 0, months: 0, days: 0, hours: 12 })
  for (const wrong of ['', '7', 'd', '1d1d', '1w', '0d', '-1d', '1.5d', '1d ', '99999999d']) {
    assert.throws(() => parseDuration(wrong), { code: 'usage' }, wrong)
  }
})

test('groups: paths and tags count as sets', () => {
  const of = (host: string, paths: string[], tags: string[] = []): { host: string; paths: string[]; tags: string[] } => ({ host, paths, tags })
  const all = [of('a', ['/x', '/y']), of('b', ['/x']), of('a', ['/y', '/x'], ['t'])]
  assert.deepEqual(groupSnapshots(all, ['host', 'paths']).map(({ snapshots }) => snapshots.length), [2, 1])
  assert.deepEqual(groupSnapshots(all, ['tags']).map(({ tags, snapshots }) => [tags, snapshots.length]), [[[], 2], [['t'], 1]])
  assert.deepEqual(groupSnapshots(all, []).map(({ snapshots }) => snapshots.length), [3])
})
