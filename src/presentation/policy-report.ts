// What a policy protects from and what not, in plain words.
import type { AppendOnlyGround, PolicyResult } from '../operations/policy.ts'
import type { Role } from '../policy/policy-document.ts'

const MEANINGS: Readonly<Record<Role, readonly string[]>> = {
  'full': [
    'full: this key can read, add to and delete the vault; everything else in the bucket is out of its reach.',
    'It does not protect from the machine that has it: whoever takes it over can delete all backups.',
  ],
  'append-only': [
    'append-only: this key can read the vault and add to it, which is all that init, backup, restore and check need.',
    'It cannot delete, so a thief or a malicious program on the machine cannot do away with earlier backups.',
    'It does not protect from being read: key and password together open the vault. Nor from a bill: it can add without end.',
    'It protects only while no other key with more rights is on the same machine; deleting old backups needs such a key elsewhere.',
  ],
  'read-only': [
    'read-only: this key can read the vault, for restore, check, ls, snapshots and stats; backup does not work with it.',
    'It does not protect from being read: key and password together open the vault.',
  ],
}

const GROUNDS: Readonly<Record<AppendOnlyGround, string>> = {
  'conditional-writes': 'Nor can it overwrite: the server refuses every write that does not carry If-None-Match, under a name that is taken.',
  'versioning': 'What it overwrites the bucket keeps as an older version, which this key cannot delete. Keep versioning on, and ' +
    'let no lifecycle rule expire older versions sooner than you would notice.',
  'unchecked': 'NOT CHECKED: whether this key could destroy backups by overwriting them. It could, unless the versioning of the ' +
    'bucket is on or the server enforces conditional writes; without --offline s3vault looks.',
}

const LATER = 'Packs in an archive class need s3:RestoreObject too, retention by Object Lock s3:GetObjectRetention and s3:PutObjectRetention.'

export function policyReport({ role, appendOnly }: PolicyResult): string[] {
  const [first = '', ...rest] = MEANINGS[role]
  return [first, ...(appendOnly === undefined ? [] : [GROUNDS[appendOnly]]), ...rest, ...(role === 'append-only' ? [] : [LATER])]
}
