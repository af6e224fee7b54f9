// Entry of a restore worker thread.
import type { KeyMaterial } from '../crypto/keyring.ts'
import { serveTasks } from '../executor/thread-server.ts'
import { restoreHandler, type RestoreReply, type RestoreRequest } from './worker.ts'

serveTasks<KeyMaterial, RestoreRequest, RestoreReply>(restoreHandler)
