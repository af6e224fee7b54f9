// A real S3 server for a test: Ceph's gateway (RGW) before a cluster of one, which keeps everything in memory. Starts in
// a few seconds; everything it writes is in a temporary directory, everything it starts ends with the test or this process.
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { errnoOf } from '../../../src/errors/vault-error.ts'
import type { Credentials } from '../s3-server/authentication.ts'
import { cephSettings } from './ceph-settings.ts'
import type { CephProgram, CephPrograms } from './ceph-programs.ts'

const run = promisify(execFile)
const START_MS_MAX = 90_000
const POLL_MS = 100

type Daemon = 'ceph-mon' | 'ceph-osd' | 'radosgw'

export class RgwServer implements Credentials {
  readonly accessKeyId = `AK${randomBytes(9).toString('hex').toUpperCase()}`
  readonly secretAccessKey = randomBytes(20).toString('hex')
  readonly endpoint: string
  /** The owner of all buckets. */
  readonly user = 'owner'
  readonly #programs: CephPrograms
  readonly #directory: string
  readonly #daemons = new Map<Daemon, ChildProcess>()
  readonly #onExit = (): void => this.#killAll()

  private constructor(programs: CephPrograms, directory: string, gatewayPort: number) {
    this.#programs = programs
    this.#directory = directory
    this.endpoint = `http://127.0.0.1:${gatewayPort}`
    process.on('exit', this.#onExit)
  }

  /** Starts a cluster with one user and no bucket. */
  static async start(programs: CephPrograms): Promise<RgwServer> {
    const directory = mkdtempSync(join(tmpdir(), 's3vault-rgw-'))
    for (const name of ['mon', 'osd', 'run', 'log']) mkdirSync(join(directory, name))
    const [monitorPort, gatewayPort] = await freePorts()
    const server = new RgwServer(programs, directory, gatewayPort)
    try {
      await server.#startCluster(monitorPort, gatewayPort)
      return server
    } catch (error) {
      const said = server.#said()
      await server.close()
      throw new Error(`Ceph ${programs.release} does not start: ${String(error)}\n${said}`, { cause: error })
    }
  }

  /** Stops the gateway as a crash would; what was stored stays. */
  async stopGateway(): Promise<void> {
    await this.#kill('radosgw')
  }

  /** Starts it again at the same address; returns when it answers. */
  async startGateway(): Promise<void> {
    const gateway = this.#start('radosgw', '-n', 'client.rgw', '-f')
    const deadlineMs = performance.now() + START_MS_MAX
    while (!(await this.#answers())) {
      if (gateway.exitCode !== null || performance.now() > deadlineMs) throw new Error('the gateway does not answer')
      await sleep(POLL_MS)
    }
  }

  /** radosgw-admin; returns what it prints. */
  async admin(...args: string[]): Promise<string> {
    return this.#run('radosgw-admin', ...args)
  }

  /** Ends all that was started, and removes it. */
  async close(): Promise<void> {
    for (const daemon of [...this.#daemons.keys()].reverse()) await this.#kill(daemon)
    process.off('exit', this.#onExit)
    rmSync(this.#directory, { recursive: true, force: true })
  }

  get #configuration(): string {
    return join(this.#directory, 'ceph.conf')
  }

  async #startCluster(monitorPort: number, gatewayPort: number): Promise<void> {
    const [fsid, osd, monmap] = [randomUUID(), randomUUID(), join(this.#directory, 'monmap')]
    const place = { directory: this.#directory, fsid, monitorPort, gatewayPort }
    writeFileSync(this.#configuration, cephSettings(place, this.#programs.settings))
    const [file, ...args] = this.#programs.commandOf('monmaptool')
    await run(file, [...args, '--create', '--fsid', fsid, '--addv', 'a', `[v2:127.0.0.1:${monitorPort}]`, monmap])
    await this.#run('ceph-mon', '-i', 'a', '--mkfs', '--monmap', monmap)
    this.#start('ceph-mon', '-i', 'a', '-f')
    await this.#run('ceph', '--connect-timeout', '30', 'osd', 'new', osd)
    await this.#run('ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', osd)
    this.#start('ceph-osd', '-i', '0', '-f')
    await this.admin('user', 'create', '--uid', this.user, '--display-name', this.user, ...this.keyFlags)
    await this.startGateway()
  }

  /** The owner's keys as radosgw-admin takes them. */
  get keyFlags(): string[] {
    return ['--access-key', this.accessKeyId, '--secret-key', this.secretAccessKey]
  }

  async #run(program: CephProgram, ...args: string[]): Promise<string> {
    const [file, ...first] = this.#programs.commandOf(program)
    const env = { ...process.env, ...(program === 'ceph' ? this.#programs.env : {}) }
    const { stdout } = await run(file, [...first, '-c', this.#configuration, ...args], { env, timeout: START_MS_MAX })
    return stdout
  }

  /** In a process group of its own, so that nothing it starts outlives it. */
  #start(daemon: Daemon, ...args: string[]): ChildProcess {
    const [file, ...first] = this.#programs.commandOf(daemon)
    const log = openSync(join(this.#directory, 'log', `${daemon}.out`), 'a')
    const child = spawn(file, [...first, '-c', this.#configuration, ...args], { detached: true, stdio: ['ignore', log, log] })
    closeSync(log)
    child.on('error', () => {}) // told by the process that never answers
    this.#daemons.set(daemon, child)
    return child
  }

  async #kill(daemon: Daemon): Promise<void> {
    const child = this.#daemons.get(daemon)
    this.#daemons.delete(daemon)
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    killGroup(child)
    await ended
  }

  #killAll(): void {
    for (const child of this.#daemons.values()) killGroup(child)
  }

  async #answers(): Promise<boolean> {
    try {
      return (await fetch(this.endpoint)).status < 500
    } catch (error) {
      if (error instanceof TypeError) return false // fetch: nobody listens yet
      throw error
    }
  }

  #said(): string {
    const log = (name: Daemon): string => {
      try {
        return readFileSync(join(this.#directory, 'log', `${name}.out`), 'utf8').slice(-1000)
      } catch (error) {
        if (errnoOf(error) === 'ENOENT') return ''
        throw error
      }
    }
    return [...this.#daemons.keys()].map((name) => `${name}: ${log(name)}`).join('\n')
  }
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL') // the data are for nothing, and a clean end takes seconds
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error
  }
}

/** Two ports that nobody uses at the moment. */
async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()]
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))))
  const [first = 0, second = 0] = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return [first, second]
}
