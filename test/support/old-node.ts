import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** A Node of this machine that is too old for the program, or undefined. npm puts the project's own Node first in PATH. */
export function oldNode(): string | undefined {
  for (const directory of (process.env['PATH'] ?? '').split(':')) {
    const path = join(directory, 'node')
    if (!existsSync(path)) continue
    const version = spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout
    if (Number(/^v(\d+)/.exec(version)?.[1]) < Number(process.versions.node.split('.')[0])) return path
  }
  return undefined
}
