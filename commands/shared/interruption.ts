// SIGINT, SIGTERM and SIGHUP: the first one asks the operation to stop and leave things in order, the second one ends
// the process at once.
import { VaultError } from '../../src/errors/vault-error.ts'
import { exitCode, type ExitName } from './exit-codes.ts'

const EXIT_OF_SIGNAL = { SIGINT: 'interrupted', SIGTERM: 'terminated', SIGHUP: 'hangup' } as const satisfies Record<string, ExitName>
type StopSignal = keyof typeof EXIT_OF_SIGNAL

/** Ctrl-C reaches the process group, and the launcher passes on what it gets: two within this time are one. */
const SAME_SIGNAL_MS = 250
const LAUNCHER_POLL_MS = 1000
/** How long an operation may take to stop after its launcher was killed. */
const ORPHAN_STOP_MS = 5000

const controller = new AbortController()
let firstAtMs: number | undefined
let firstSignal: StopSignal | undefined

/** Aborted at the first signal, with a VaultError `interrupted` as its reason. */
export const interruptionSignal: AbortSignal = controller.signal

/** The exit code of an interrupted run. */
export const interruptionExitCode = (): number => exitCode(EXIT_OF_SIGNAL[firstSignal ?? 'SIGINT'])

function onSignal(signal: StopSignal): void {
  const now = performance.now()
  if (firstAtMs === undefined) {
    firstAtMs = now
    firstSignal = signal
    controller.abort(new VaultError('interrupted', signal === 'SIGINT' ? 'interrupted' : `stopped by ${signal}`))
  } else if (now - firstAtMs >= SAME_SIGNAL_MS) {
    process.exit(interruptionExitCode())
  }
}

/** Listens to the signals from now on. */
export function installInterruption(): void {
  for (const signal of Object.keys(EXIT_OF_SIGNAL) as StopSignal[]) process.on(signal, () => onSignal(signal))
}

/** Stops this process when its launcher is killed in a way that cannot be passed on (SIGKILL). */
export function watchLauncher(launcherPid: number): void {
  const timer = setInterval(() => {
    if (process.ppid === launcherPid) return
    clearInterval(timer)
    onSignal('SIGTERM')
    setTimeout(() => process.exit(interruptionExitCode()), ORPHAN_STOP_MS).unref()
  }, LAUNCHER_POLL_MS)
  timer.unref()
}
