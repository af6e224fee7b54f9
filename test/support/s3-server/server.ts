// An S3 server for tests, on a real HTTP port of the loopback interface, with real signatures; state in memory.
// Path-style addresses only. It refuses what it does not implement instead of guessing; see routes.ts for what it does.
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AccessPolicy } from './access-policy.ts'
import { requireAllowed, requireKnownPolicy } from './access-policy.ts'
import type { Credentials, UnverifiedRequest } from './authentication.ts'
import { authenticate } from './authentication.ts'
import { readBody, verifyBody } from './body.ts'
import type { Answer, ServerBehaviour } from './exchange.ts'
import { operationFor } from './routes.ts'
import { S3Error } from './s3-error.ts'
import { Bucket, ServerState } from './state.ts'

/** What goes wrong with one request. */
export type Fault =
  | { readonly kind: 'error'; readonly code: string } // answered with this S3 error, nothing done
  | { readonly kind: 'drop' } // connection closed, nothing done
  | { readonly kind: 'lost-response' } // done, then the connection closed
  | { readonly kind: 'truncate'; readonly bytes: number } // full Content-Length, this many bytes, connection closed
  | { readonly kind: 'corrupt' } // one bit of the answer's body is wrong
  | { readonly kind: 'delay'; readonly delayMs: number }
  | { readonly kind: 'stall' } // never answered

export interface ObservedRequest {
  /** `PutObject`, `ListObjectsV2`, ... */
  readonly operation: string
  readonly bucketName: string
  readonly key: string
  readonly method: string
  readonly query: ReadonlyMap<string, string>
  readonly headers: IncomingMessage['headers']
}

export type FaultHook = (request: ObservedRequest) => Fault | undefined

export interface S3ServerOptions extends ServerBehaviour {
  /** 0 or none: any free port. */
  readonly port?: number
  /** The server's clock, ms since the epoch. */
  readonly nowMs?: () => number
  readonly credentials?: Credentials
  /** Buckets that exist from the start. */
  readonly buckets?: readonly string[]
  readonly fault?: FaultHook
}

export interface S3Server extends Credentials {
  readonly endpoint: string
  readonly state: ServerState
  /** Every request that passed authentication, oldest first. */
  readonly requests: readonly ObservedRequest[]
  setFault(hook: FaultHook | undefined): void
  /** Another key, which may do what the policy allows; the server's own may do everything. */
  addUser(policy: AccessPolicy): Credentials
  /** From now on only these are known. */
  setCredentials(credentials: Credentials): void
  close(): Promise<void>
}

export async function startS3Server(options: S3ServerOptions = {}): Promise<S3Server> {
  const credentials = options.credentials ?? newCredentials()
  const nowMs = options.nowMs ?? Date.now
  const handler = new RequestHandler(options, credentials, nowMs)
  for (const name of options.buckets ?? []) handler.state.buckets.set(name, new Bucket(name, nowMs()))
  const server = createServer((request, response) => void handler.handle(request, response))
  server.requestTimeout = 0 // tests hold requests back on purpose
  server.keepAliveTimeout = 0 // on a busy machine a client's connection may rest for seconds, and be closed as it is used again
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    ...credentials,
    endpoint: `http://127.0.0.1:${port}`,
    state: handler.state,
    requests: handler.requests,
    setFault: (hook) => handler.setFault(hook),
    addUser: (policy) => handler.addUser(policy),
    setCredentials: (changed) => handler.setCredentials(changed),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const newCredentials = (): Credentials => ({
  accessKeyId: `AK${randomBytes(9).toString('hex').toUpperCase()}`,
  secretAccessKey: randomBytes(20).toString('hex'),
})

class RequestHandler {
  readonly state = new ServerState()
  readonly requests: ObservedRequest[] = []
  readonly #options: S3ServerOptions
  #credentials: Credentials
  readonly #nowMs: () => number
  readonly #users = new Map<string, { readonly credentials: Credentials; readonly policy: AccessPolicy }>()
  #fault: FaultHook | undefined
  #requestCount = 0

  constructor(options: S3ServerOptions, credentials: Credentials, nowMs: () => number) {
    this.#options = options
    this.#credentials = credentials
    this.#nowMs = nowMs
    this.#fault = options.fault
  }

  setFault(hook: FaultHook | undefined): void {
    this.#fault = hook
  }

  addUser(policy: AccessPolicy): Credentials {
    requireKnownPolicy(policy)
    const credentials = newCredentials()
    this.#users.set(credentials.accessKeyId, { credentials, policy })
    return credentials
  }

  setCredentials(credentials: Credentials): void {
    this.#credentials = credentials
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const requestId = String(++this.#requestCount).padStart(16, '0')
    response.setHeader('x-amz-request-id', requestId)
    response.setHeader('server', 's3-test-server')
    let fault: Fault | undefined
    const chooseFault: FaultHook = (observed) => (fault = this.#fault?.(observed))
    let answer: Answer
    try {
      answer = await this.#answer(request, chooseFault)
    } catch (error) {
      if (request.destroyed && !request.complete) return // the client went away in the middle of its body
      const s3Error = error instanceof S3Error ? error : new S3Error('InternalError', String(error))
      if (!(error instanceof S3Error)) console.error('s3-test-server:', error)
      const headers = { ...s3Error.headers, 'content-type': 'application/xml' }
      answer = { status: s3Error.status, headers, body: s3Error.toXml(request.url ?? '', requestId) }
    }
    response.setHeader('date', new Date(this.#nowMs()).toUTCString())
    send(request, response, answer, fault)
  }

  /** Reads the body whole before it judges: an early answer would reset the connection under the client's upload. */
  async #answer(request: IncomingMessage, chooseFault: FaultHook): Promise<Answer> {
    const raw = await readBody(request)
    const url = request.url ?? '/'
    const cut = url.indexOf('?')
    const path = cut < 0 ? url : url.slice(0, cut)
    const pairs = cut < 0 ? [] : [...new URLSearchParams(url.slice(cut + 1).replaceAll('+', '%2B'))]
    const unverified: UnverifiedRequest = { method: request.method ?? '', path, query: pairs, headers: request.headers }
    const known = [this.#credentials, ...[...this.#users.values()].map((user) => user.credentials)]
    const { payloadHash, accessKeyId } = authenticate(unverified, known, this.#nowMs(), this.#options)
    const [, bucketName = '', ...keySegments] = path.split('/').map(decodeURIComponent)
    const target = { method: unverified.method, bucketName, key: keySegments.join('/'), query: new Map(pairs), headers: request.headers }
    const operation = operationFor(target.method, bucketName, target.key, target.query)
    const observed = { ...target, operation: operation.name }
    this.requests.push(observed)
    requireAllowed(this.#users.get(accessKeyId)?.policy, observed, this.state)
    const fault = chooseFault(observed)
    if (fault?.kind === 'delay') await sleep(fault.delayMs)
    if (fault?.kind === 'error') throw new S3Error(fault.code, 'injected by the test')
    if (fault?.kind === 'drop' || fault?.kind === 'stall') return { status: 500 }
    const body = verifyBody(raw, request.headers, payloadHash, this.#options.digests)
    return operation.run({ ...target, state: this.state, body, nowMs: this.#nowMs(), behaviour: this.#options })
  }
}

function send(request: IncomingMessage, response: ServerResponse, answer: Answer, fault: Fault | undefined): void {
  if (fault?.kind === 'stall') return
  if (fault?.kind === 'drop' || fault?.kind === 'lost-response') {
    request.socket.destroy()
    return
  }
  let body = Buffer.from(answer.body ?? '')
  if (fault?.kind === 'corrupt' && body.length > 0) {
    body = Buffer.from(body)
    body[body.length >> 1] = (body[body.length >> 1] ?? 0) ^ 1
  }
  if (answer.status !== 204 && answer.status !== 304) response.setHeader('content-length', body.length)
  response.writeHead(answer.status, answer.headers)
  if (request.method === 'HEAD') response.end()
  else if (fault?.kind === 'truncate') response.write(body.subarray(0, fault.bytes), () => request.socket.destroy())
  else response.end(body)
}
