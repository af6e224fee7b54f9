// Module of a verifier's worker thread.
import { serveTasks } from '../executor/thread-server.ts'
import { packVerifier } from './pack-verifier.ts'

serveTasks(packVerifier)
