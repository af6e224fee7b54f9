// Password hashing: argon2id (RFC 9106) by node:crypto, injected so that a simulation need not pay for it.
// test/crypto/kdf.test.ts checks it against @noble/hashes, the independent implementation.
import { argon2 } from 'node:crypto'
import { promisify } from 'node:util'
import { VaultError } from '../errors/vault-error.ts'
import { KEY_BYTES } from './subkeys.ts'

export interface Argon2Parameters {
  readonly memoryKiB: number
  readonly passes: number
  readonly lanes: number
}

/** RFC 9106 section 4, second recommended option: 64 MiB, 3 passes, 4 lanes. */
export const ARGON2_DEFAULT: Argon2Parameters = { memoryKiB: 65536, passes: 3, lanes: 4 }

/** Turns a passphrase into a 32-byte key. */
export interface Kdf {
  argon2id(passphrase: string, salt: Uint8Array, parameters: Argon2Parameters): Promise<Uint8Array>
}

/** A key slot is read before anything is authenticated: a hostile one must not cost more than 1 GiB and some seconds. */
export function checkArgon2(parameters: Argon2Parameters): Argon2Parameters {
  const { memoryKiB, passes, lanes } = parameters
  const sound =
    Number.isInteger(lanes) && lanes >= 1 && lanes <= 16 &&
    Number.isInteger(passes) && passes >= 1 && passes <= 16 &&
    Number.isInteger(memoryKiB) && memoryKiB >= 8 * lanes && memoryKiB <= 1 << 20
  if (!sound) throw new VaultError('vault-damaged', 'key slot: argon2 parameters out of bounds')
  return parameters
}

const argon2Async = promisify(argon2)

export const systemKdf: Kdf = {
  async argon2id(passphrase, salt, parameters) {
    const { memoryKiB, passes, lanes } = checkArgon2(parameters)
    // NFC: the same passphrase typed on two keyboards is the same bytes.
    const message = Buffer.from(passphrase.normalize('NFC'), 'utf8')
    return argon2Async('argon2id', {
      message, nonce: salt, parallelism: lanes, memory: memoryKiB, passes, tagLength: KEY_BYTES,
    })
  },
}
