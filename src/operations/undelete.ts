// Forgotten snapshots: which there are, and bringing one back.
import { systemClock } from '../async/clock.ts'
import { SystemRandom } from '../async/random.ts'
import { listForgotten } from '../repository/forgetting.ts'
import { findSnapshot } from '../repository/snapshots.ts'
import { undeleteSnapshot } from '../repository/undeleting.ts'
import { VaultError } from '../errors/vault-error.ts'
import type { ForgottenSnapshot } from '../snapshot/forgotten-record.ts'
import { withVault, type Counted, type VaultAccess } from './vault-access.ts'

export interface ForgottenResult {
  /** The last forgotten first. */
  readonly forgotten: readonly ForgottenSnapshot[]
  readonly damaged: readonly { readonly name: string; readonly message: string }[]
}

export function forgottenSnapshots(access: VaultAccess): Promise<ForgottenResult & Counted> {
  return withVault(access, async ({ repository }) => {
    const { snapshots, damaged: lost } = await repository.snapshots()
    const present = new Set([...snapshots.map(({ id }) => id as string), ...lost.map(({ name }) => name.slice(-64))])
    const { forgotten, damaged } = await listForgotten(repository, present, access.signal)
    return { forgotten, damaged: damaged.map(({ name, error }) => ({ name, message: error.message })) }
  })
}

/** `snapshots`: ids or their first digits. Returns those brought back. Throws `snapshot-missing` at the first that cannot be. */
export function undelete(access: VaultAccess, snapshots: readonly string[]): Promise<Pick<ForgottenResult, 'forgotten'> & Counted> {
  return withVault(access, async ({ repository }) => {
    const present = await repository.snapshots()
    const { forgotten } = await listForgotten(repository, new Set(present.snapshots.map(({ id }) => id)), access.signal)
    const wanted = new Set(snapshots.map((text) => {
      if (text.startsWith('latest')) throw new VaultError('usage', 'undelete wants ids', { hint: 's3vault undelete lists what was forgotten' })
      const { id } = findSnapshot(forgotten.map(({ snapshot }) => snapshot), text)
      return forgotten.find(({ snapshot }) => snapshot.id === id)
    }))
    const parts = { repository, clock: systemClock, random: new SystemRandom(), ...(access.signal ? { signal: access.signal } : {}) }
    for (const one of wanted) if (one) await undeleteSnapshot(parts, one)
    return { forgotten: [...wanted].filter((one) => one !== undefined) }
  })
}
