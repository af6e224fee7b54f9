// One listing of everything in the vault, sorted by what the names say.
import type { ObjectName, PackId } from '../ids/ids.ts'
import { SEGMENT_PREFIX, parseSegmentName } from '../index/segment.ts'
import { parsePackName, type PackKind } from '../pack/layout.ts'
import { KEY_PREFIX } from '../repository/unlock.ts'
import { CONFIG_NAME } from '../repository/vault-config.ts'
import { isDamageName } from '../session/damage.ts'
import { parseGcName } from '../session/marks.ts'
import { parseSnapshotName } from '../snapshot/snapshot.ts'
import type { CheckRun } from './check-run.ts'
import { counted } from './finding-log.ts'

export interface ListedPack {
  readonly kind: PackKind
  readonly sizeBytes: number
}

export interface Inventory {
  objects: number
  readonly packs: Map<PackId, ListedPack>
  readonly slots: ObjectName[]
  /** Sealed objects of sessions: sessions/, pins/, gc/, damage/. */
  readonly protocol: ObjectName[]
  readonly forgotten: ObjectName[]
}

interface Strangers {
  readonly first: string
  count: number
}

const SESSION_NAME = /^sessions\/[0-9a-f]{32}\/\d{8}$/
const PIN_NAME = /^pins\/[^/]+\/[^/]+$|^pins\/[^/]+$/
const FORGOTTEN_PREFIX = 'forgotten/'

/** False for a name that says nothing to this program. */
function sort(inventory: Inventory, name: ObjectName, sizeBytes: number): boolean {
  const pack = parsePackName(name)
  if (pack) inventory.packs.set(pack.id, { kind: pack.kind, sizeBytes })
  else if (name.startsWith(KEY_PREFIX)) inventory.slots.push(name)
  else if (SESSION_NAME.test(name) || PIN_NAME.test(name) || parseGcName(name) || isDamageName(name)) inventory.protocol.push(name)
  else if (name.startsWith(FORGOTTEN_PREFIX)) inventory.forgotten.push(name)
  else return name === CONFIG_NAME || parseSegmentName(name) !== undefined || parseSnapshotName(name) !== undefined
  return true
}

/** Lists the vault. Names that are not of this format become notes, one for each folder they lie in. */
export async function takeInventory(run: CheckRun): Promise<Inventory> {
  const inventory: Inventory = { objects: 0, packs: new Map(), slots: [], protocol: [], forgotten: [] }
  const strangers = new Map<string, Strangers>()
  for await (const { name, sizeBytes } of run.backend.list('', run.readOptions)) {
    inventory.objects++
    run.advance(1, 0)
    if (sort(inventory, name, sizeBytes)) continue
    const folder = name.includes('/') ? name.slice(0, name.indexOf('/') + 1) : ''
    const known = strangers.get(folder)
    if (known) known.count++
    else strangers.set(folder, { first: name, count: 1 })
  }
  for (const [folder, { first, count }] of strangers) {
    const others = count > 1 ? ` and ${counted(count - 1, 'other')}${folder === '' ? '' : ` in ${folder}`}` : ''
    run.log.add({
      severity: 'note', kind: 'object-unknown', object: first,
      message: `${first}${others}: not an object that this program knows`,
      hint: folder === SEGMENT_PREFIX || folder === '' ? 'not read by any command' : 'a newer s3vault may have written it',
    })
  }
  return inventory
}
