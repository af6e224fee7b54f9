// A line as TCP gives it, in front of a server: a rate for each direction that all connections share, a round-trip time,
// and for each connection a handshake and a congestion window that starts small, doubles each round trip and starts anew
// after a pause. Without loss. Of its own, as tc's netem needs root, a kernel that has it, and would slow the whole
// machine's loopback.
import { connect, createServer } from 'node:net'

const SEGMENTS_BYTES_MAX = 16 * 1024
/** RFC 6928: ten segments of 1460 bytes. */
const WINDOW_BYTES_FIRST = 14_600
/** net.ipv4.tcp_wmem's default maximum. */
const WINDOW_BYTES_MAX = 4 * 1024 * 1024
/** RFC 5681 4.1: a window that was not used for a retransmission timeout (Linux: 200 ms and the round trip) is forgotten. */
const PAUSE_MS = 200
/** TCP's, and that of TLS 1.3. */
const HANDSHAKES = 2

/** One direction of the wire: what is sent leaves at the rate, in order, and arrives after the delay. */
class Wire {
  #bytesPerMs
  #delayMs
  #freeAtMs = 0
  #underWay = []
  #timer

  constructor(bytesPerSecond, delayMs) {
    this.#bytesPerMs = bytesPerSecond / 1000
    this.#delayMs = delayMs
  }

  send(bytes, arrive) {
    this.#freeAtMs = Math.max(this.#freeAtMs, performance.now()) + bytes / this.#bytesPerMs
    this.#underWay.push({ atMs: this.#freeAtMs + this.#delayMs, arrive })
    this.#timer ??= setTimeout(() => this.#deliver(), Math.max(1, this.#underWay[0].atMs - performance.now()))
  }

  #deliver() {
    let count = 0
    while (count < this.#underWay.length && this.#underWay[count].atMs <= performance.now()) this.#underWay[count++].arrive()
    this.#underWay.splice(0, count)
    const [next] = this.#underWay
    this.#timer = next && setTimeout(() => this.#deliver(), Math.max(1, next.atMs - performance.now()))
  }
}

/** One direction of a connection. */
class Stream {
  #source
  #sink
  #wire
  #delayMs
  #window = WINDOW_BYTES_FIRST
  #inFlight = 0
  #sentAtMs = performance.now()
  #hasEnded = false

  constructor(source, sink, wire, delayMs) {
    this.#source = source
    this.#sink = sink
    this.#wire = wire
    this.#delayMs = delayMs
    source.on('readable', () => this.#send())
    source.on('end', () => {
      this.#hasEnded = true
      this.#finish()
    })
  }

  #send() {
    const nowMs = performance.now()
    if (this.#inFlight === 0 && nowMs - this.#sentAtMs > PAUSE_MS + 2 * this.#delayMs) this.#window = WINDOW_BYTES_FIRST
    for (;;) {
      const size = Math.min(this.#window - this.#inFlight, SEGMENTS_BYTES_MAX, this.#source.readableLength)
      const bytes = size > 0 ? this.#source.read(size) : null
      if (bytes === null) break
      this.#inFlight += bytes.length
      this.#sentAtMs = nowMs
      this.#wire.send(bytes.length, () => this.#arrive(bytes))
    }
    if (this.#source.readableLength === 0) this.#source.read(0) // tells the stream to go on, and of its end
  }

  #arrive(bytes) {
    if (this.#sink.destroyed) return
    const isTaken = this.#sink.write(bytes)
    const acknowledge = () => setTimeout(() => this.#acknowledge(bytes.length), this.#delayMs)
    if (isTaken) acknowledge()
    else this.#sink.once('drain', acknowledge)
  }

  #acknowledge(bytes) {
    this.#inFlight -= bytes
    this.#window = Math.min(WINDOW_BYTES_MAX, this.#window + bytes)
    this.#send()
    this.#finish()
  }

  #finish() {
    if (this.#hasEnded && this.#inFlight === 0) this.#sink.end()
  }
}

/**
 * Starts it in this process. `rate` in bytes a second each way, `rttMs` the round trip. Resolves to its port.
 * @param {{ to: { host: string, port: number }, rate: number, rttMs: number }} options
 */
export async function startLine({ to, rate, rttMs }) {
  const delayMs = rttMs / 2
  const [up, down] = [new Wire(rate, delayMs), new Wire(rate, delayMs)]
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (near) => {
    const far = connect({ ...to, allowHalfOpen: true, noDelay: true })
    for (const [one, other] of [[near, far], [far, near]]) {
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroySoon())
    }
    setTimeout(() => {
      new Stream(near, far, up, delayMs)
      new Stream(far, near, down, delayMs)
    }, HANDSHAKES * rttMs)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server.address().port
}

// As a program of its own, so that it does not share a processor's turn with what it measures:
//   node line.mjs HOST PORT BYTES_PER_SECOND RTT_MS    prints its port
if (process.argv[1] === import.meta.filename) {
  const [host, port, rate, rttMs] = process.argv.slice(2)
  console.log(await startLine({ to: { host, port: Number(port) }, rate: Number(rate), rttMs: Number(rttMs) }))
}
