// A reverse proxy that breaks requests on the wire, in front of any S3 server: real connections, real resets, real bytes.
// It hands on the Host header as the client sent it, which the signature covers, and neither knows keys nor signs.
import { once } from 'node:events'
import { Agent, createServer, request as forward, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { SeededRandom, testSeed } from '../seeded-random.ts'
import type { FaultChoice, FaultKind, ProxiedRequest } from './faults.ts'
import { Line, type LineProperties } from './line.ts'

export interface ProxyEntry {
  /** Since the proxy started. */
  readonly atMs: number
  readonly method: string
  readonly path: string
  /** What was done to it; undefined: nothing. */
  readonly fault: FaultKind | 'outage' | undefined
  /** Of the server, when it was asked and has answered. */
  status?: number
}

const TRICKLE_MS = 250
/** A body that is cut or drips comes this far at once. */
const HEALTHY_SHARE = 0.5

export class FaultProxy {
  readonly endpoint: string
  /** Every request in order of arrival. */
  readonly log: ProxyEntry[] = []
  readonly #target: URL
  readonly #server: Server
  readonly #agent = new Agent({ keepAlive: true })
  readonly #up: Line
  readonly #down: Line
  readonly #latencyMs: number
  readonly #startMs = performance.now()
  /** Which bit is flipped: another one when the same object is read again. */
  readonly #bits = new SeededRandom(testSeed())
  #choose: FaultChoice = () => undefined
  #isOut = false

  private constructor(target: URL, server: Server, { latencyMs = 0, bytesPerSecond }: LineProperties) {
    this.#target = target
    this.#server = server
    this.#latencyMs = latencyMs
    this.#up = new Line(bytesPerSecond)
    this.#down = new Line(bytesPerSecond)
    this.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on('request', (request: IncomingMessage, response: ServerResponse) => void this.#serve(request, response))
  }

  /** Starts a proxy that breaks nothing yet. */
  static async start(target: string, line: LineProperties = {}): Promise<FaultProxy> {
    const server = createServer()
    server.requestTimeout = 0 // requests are held back on purpose
    server.keepAliveTimeout = 0 // only what the tests ask for is broken
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new FaultProxy(new URL(target), server, line)
  }

  setFaults(choose: FaultChoice): void {
    this.#choose = choose
  }

  /** From now on every connection is reset at once. */
  beginOutage(): void {
    this.#isOut = true
    this.#server.closeAllConnections()
  }

  endOutage(): void {
    this.#isOut = false
  }

  async outage(durationMs: number): Promise<void> {
    this.beginOutage()
    await sleep(durationMs)
    this.endOutage()
  }

  /** Requests by what was done to them. */
  counts(): Record<string, number> {
    const counts: Record<string, number> = {}
    for (const { fault = 'none' } of this.log) counts[fault] = (counts[fault] ?? 0) + 1
    return counts
  }

  async close(): Promise<void> {
    this.#agent.destroy()
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => request.socket.destroy()) // the client went away
    request.on('error', () => request.socket.destroy())
    if (this.#latencyMs > 0) await sleep(this.#latencyMs)
    const proxied = describe(request)
    const chosen = await this.#choose(proxied)
    const fault = this.#isOut ? 'outage' : chosen
    const entry: ProxyEntry = { atMs: Math.round(performance.now() - this.#startMs), method: proxied.method, path: proxied.path, fault }
    this.log.push(entry)
    switch (fault) {
      case 'outage':
      case 'reset-before':
        return void request.socket.resetAndDestroy()
      case 'stall':
        return void request.resume()
      case 'internal-error':
        return refuse(request, response, 500, 'InternalError')
      case 'slow-down':
        return refuse(request, response, 503, 'SlowDown')
      case 'conflict':
        return refuse(request, response, 409, 'ConditionalRequestConflict')
      case 'expired-token':
        return refuse(request, response, 403, 'ExpiredToken')
      default:
        this.#forward(request, response, entry)
    }
  }

  #forward(request: IncomingMessage, response: ServerResponse, entry: ProxyEntry): void {
    const { method, url, rawHeaders } = request
    const { hostname, port } = this.#target
    const headers = [...rawHeaders]
    const outgoing = forward({ hostname, port, method, path: url, headers, setHost: false, agent: this.#agent })
    outgoing.on('error', () => request.socket.resetAndDestroy()) // the server is away: so is the line to it
    response.on('close', () => outgoing.destroy())
    outgoing.on('response', (answer) => {
      entry.status = answer.statusCode ?? 0
      void this.#hand(answer, request, response, entry.fault)
    })
    request.pipe(this.#up.pipe()).pipe(outgoing)
  }

  async #hand(
    answer: IncomingMessage, request: IncomingMessage, response: ServerResponse, fault: ProxyEntry['fault'],
  ): Promise<void> {
    answer.on('error', () => request.socket.resetAndDestroy())
    if (fault === 'lost-response') {
      answer.resume()
      return void request.socket.resetAndDestroy()
    }
    response.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
    const isWhole = answer.statusCode === 200 || answer.statusCode === 206
    if (fault === undefined || fault === 'outage' || !isWhole) return void answer.pipe(this.#down.pipe()).pipe(response)
    const chunks: Buffer[] = []
    for await (const chunk of answer) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const healthy = Math.floor(body.length * HEALTHY_SHARE)
    if (fault === 'wrong-bytes') return void response.end(this.#flipped(body))
    response.write(body.subarray(0, healthy))
    if (fault === 'truncated-body') return void setImmediate(() => request.socket.resetAndDestroy())
    for (let offset = healthy; offset < body.length && !response.destroyed; offset++) {
      await sleep(TRICKLE_MS)
      response.write(body.subarray(offset, offset + 1))
    }
    response.end()
  }

  #flipped(body: Buffer): Buffer {
    if (body.length === 0) return body
    const wrong = Buffer.from(body)
    const place = this.#bits.below(body.length)
    wrong[place] = (wrong[place] ?? 0) ^ (1 << this.#bits.below(8))
    return wrong
  }
}

function describe({ method = '', url = '/' }: IncomingMessage): ProxiedRequest {
  const [path = '', query = ''] = url.split('?', 2)
  const isObject = path.split('/').filter((part) => part !== '').length > 1
  return { method, path: url, isObjectRead: method === 'GET' && isObject && !/(^|&)(list-type|versions|uploads)/.test(query) }
}

/** Answers in the server's place, once the client has sent all it wanted. */
function refuse(request: IncomingMessage, response: ServerResponse, status: number, code: string): void {
  request.resume()
  request.on('end', () => {
    const body = request.method === 'HEAD' ? '' : `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>injected by the test</Message></Error>`
    response.writeHead(status, { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(body), date: new Date().toUTCString() })
    response.end(body)
  })
}
