// Goal: no role's policy reaches beyond its prefix or has more actions than the role needs.
// That they are enough, and what they refuse, is shown with a server: test/e2e/least-privilege.test.ts.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { partitionOf, policyDocument, ROLES, type PolicyRequest } from '../../src/policy/policy-document.ts'

const request = (fields: Partial<PolicyRequest>): PolicyRequest =>
  ({ role: 'append-only', bucket: 'b', prefix: 'p/q', partition: 'aws', conditionalWrites: 'unknown', ...fields })

const allowed = (fields: Partial<PolicyRequest>): string[] =>
  policyDocument(request(fields)).Statement.filter(({ Effect }) => Effect === 'Allow').flatMap(({ Action }) => Action).sort()

const READING = ['s3:GetBucketVersioning', 's3:GetObject', 's3:GetObjectVersion', 's3:ListBucket', 's3:ListBucketVersions']

test('the actions of each role', () => {
  assert.deepEqual(allowed({ role: 'read-only' }), READING)
  assert.deepEqual(allowed({ role: 'append-only' }), [...READING, 's3:PutObject'])
  assert.deepEqual(allowed({ role: 'full' }), ['s3:DeleteObject', ...READING, 's3:PutObject'])
})

test('objects of the prefix only, with its slash, and listings of it only', () => {
  for (const role of ROLES) {
    for (const { Resource, Action, Condition } of policyDocument(request({ role })).Statement) {
      const isOfObjects = Action.some((action) => /Object/.test(action) && !action.includes('Bucket'))
      assert.equal(Resource, isOfObjects ? 'arn:aws:s3:::b/p/q/*' : 'arn:aws:s3:::b')
      if (Action.includes('s3:ListBucket')) assert.deepEqual(Condition, { StringLike: { 's3:prefix': 'p/q/*' } })
    }
  }
  const whole = policyDocument(request({ prefix: '' })).Statement
  assert.ok(whole.some(({ Resource }) => Resource === 'arn:aws:s3:::b/*'))
  assert.ok(whole.every(({ Condition }) => Condition === undefined))
})

test('conditional writes where they can be required, a principal in a bucket policy, the partition of the region', () => {
  const { Statement } = policyDocument(request({ conditionalWrites: 'required', principal: 'arn:x', partition: 'aws-cn' }))
  const puts = Statement.filter(({ Action }) => Action.includes('s3:PutObject'))
  assert.deepEqual(puts.map(({ Effect, Condition }) => [Effect, Condition]), [
    ['Allow', { Null: { 's3:if-none-match': 'false' } }], ['Deny', { Null: { 's3:if-none-match': 'true' } }],
  ])
  assert.ok(Statement.every(({ Principal, Resource }) => Principal?.AWS === 'arn:x' && Resource.startsWith('arn:aws-cn:')))
  assert.deepEqual(['cn-north-1', 'us-gov-west-1', 'eu-central-1', undefined].map(partitionOf), ['aws-cn', 'aws-us-gov', 'aws', 'aws'])
})
