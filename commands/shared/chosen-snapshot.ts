// What is said of the snapshot that SNAPSHOT turned out to be.
import type { ChosenSnapshot } from '../../src/operations/snapshot-choice.ts'
import { snapshotLine } from '../../src/presentation/snapshot-line.ts'
import type { Output } from './output.ts'

/** `latest` of several machines or sets of paths is whichever ran last: not to be left unsaid. */
export function announceAmbiguity(output: Output, { snapshot, series }: ChosenSnapshot): void {
  if (series <= 1) return
  output.important(
    `taking snapshot ${snapshotLine(snapshot)}: ${series} combinations of host and paths are backed up here, ` +
    '--host, --path or --tag say which is meant',
  )
}
