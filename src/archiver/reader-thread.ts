// Module of a reader's worker thread.
import { serveTasks } from '../executor/thread-server.ts'
import { ThreadOutlet, type ReaderEnd } from './pack-channel.ts'
import { startReader, type ReaderInit, type ReaderReply, type ReaderRequest } from './reader-task.ts'
import { RunControl } from './run-control.ts'

export interface ReaderThreadInit {
  readonly init: ReaderInit
  readonly end: ReaderEnd
}


serveTasks<ReaderThreadInit, ReaderRequest, ReaderReply>(({ init, end }) =>
  startReader(init, { outlet: new ThreadOutlet(end, new RunControl(init.control)) }),
)
