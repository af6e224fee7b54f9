// Goal: several source paths make one tree from the root directory down, without doubles.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { arrangeRoots, type RootNode } from '../../src/archiver/source-roots.ts'

const shape = (node: RootNode): string => {
  const name = Buffer.from(node.path).toString()
  return `${name}${node.isSource ? '*' : ''}${node.children.length > 0 ? `(${node.children.map(shape).join(' ')})` : ''}`
}
const arranged = (...paths: string[]): string => shape(arrangeRoots(paths.map((path) => Buffer.from(path))))

test('paths hang below the root in byte order', () => {
  assert.equal(arranged('/srv/b', '/nfs'), '/(/nfs* /srv(/srv/b*))')
  assert.equal(arranged('/b', '/B', '/a'), '/(/B* /a* /b*)')
})

test('a path below another is part of it, in whatever order they are given', () => {
  assert.equal(arranged('/a', '/a/b/c'), '/(/a*)')
  assert.equal(arranged('/a/b/c', '/a'), '/(/a*)')
  assert.equal(arranged('/a', '/ab'), '/(/a* /ab*)')
})

test('the root directory alone', () => {
  assert.equal(arranged('/', '/x'), '/*')
})

test('doubled and trailing slashes do not count; relative and dotted paths are refused', () => {
  assert.equal(arranged('//a//b/'), '/(/a(/a/b*))')
  for (const path of ['a', '/a/../b', '/./a', '']) assert.throws(() => arranged(path), { code: 'usage' })
})
