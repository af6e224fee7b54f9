// An HTTP proxy in front of an S3 server that counts what goes through: some programs cannot tell what they ask for.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Agent, createServer, request as ask } from 'node:http'
import { createServer as createTlsServer } from 'node:https'

/** The S3 operation behind a request, as bills group them. */
function kindOf({ method = '', url = '/' }) {
  const { pathname, searchParams } = new URL(url, 'http://server')
  const isBucket = pathname.split('/').filter((part) => part !== '').length < 2
  if (method === 'GET' && isBucket) return searchParams.has('location') ? 'location' : 'list'
  if (method === 'POST') return searchParams.has('delete') ? 'delete' : 'post'
  return { GET: 'get', PUT: 'put', HEAD: 'stat', DELETE: 'delete' }[method] ?? method
}

/** A certificate for 127.0.0.1, by openssl, in two files that are named `path` with .key and .pem. */
export function makeCertificate(path) {
  const files = { key: `${path}.key`, cert: `${path}.pem` }
  const { status, stderr } = spawnSync('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1',
    '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', files.key, '-out', files.cert,
  ], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`openssl: ${stderr}`)
  return files
}

export class RequestCounter {
  /** Requests by kind, and bytes of bodies, since the last `take`. */
  #counts = { bytesUp: 0, bytesDown: 0 }
  #server
  #agent = new Agent({ keepAlive: true })

  /** Resolves to its port. With `tls`, files of a key and a certificate (makeCertificate), it speaks https. */
  async start(endpoint, tls) {
    const { hostname, port } = new URL(endpoint)
    const create = tls ? (serve) => createTlsServer({ key: readFileSync(tls.key), cert: readFileSync(tls.cert) }, serve) : createServer
    this.#server = create((near, answer) => {
      const kind = kindOf(near)
      this.#counts[kind] = (this.#counts[kind] ?? 0) + 1
      // The headers as they are: Host is signed.
      const far = ask({ hostname, port, method: near.method, path: near.url, headers: near.headers, agent: this.#agent }, (response) => {
        answer.writeHead(response.statusCode, response.rawHeaders)
        response.on('data', (chunk) => (this.#counts.bytesDown += chunk.length))
        response.pipe(answer)
      })
      far.on('error', () => answer.destroy())
      near.on('data', (chunk) => (this.#counts.bytesUp += chunk.length))
      near.pipe(far)
    })
    await new Promise((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return this.#server.address().port
  }

  /** What was counted, and begins anew. */
  take() {
    const { bytesUp, bytesDown, ...kinds } = this.#counts
    this.#counts = { bytesUp: 0, bytesDown: 0 }
    return { kinds, bytesUp, bytesDown, total: Object.values(kinds).reduce((sum, count) => sum + count, 0) }
  }
}
