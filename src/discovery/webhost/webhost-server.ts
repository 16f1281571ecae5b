import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Clock } from '../../base/clock.ts'
import { type Endpoint, endpoint, hostPort } from '../../base/endpoint.ts'
import { PacsrvError, systemCode } from '../../base/error.ts'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import { boundConnections } from '../../net/http-connections.ts'
import type { DialsBack } from './webhost-dialback.ts'
import { createSwarm, type SwarmOptions } from './webhost-swarm.ts'

/** Milliseconds, bytes and counts that no connection may exceed. */
const LIMITS = {
  request: 5_000,
  headerBytes: 4096,
  connections: { inAll: 512, perAddress: 16, silent: 10_000 },
}

/** A browser's visit; nodes ask /announce. */
const NOT_FOR_PEOPLE = `This is a webhost of pacsrv: it tells nodes of each other, and has nothing to show.
To use it, a machine with pacsrv has in /etc/pacsrv.conf, under [network]:
    webhost = http://HOST:PORT/announce
with this server's name and port.`

/** What a proxy adds. The connection's address is then the proxy's: not one to list or to dial. */
const PROXY_HEADERS = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via']

export interface WebhostParts {
  clock: Clock
  random: Random
  log: Log
  /** Dials a node that asks to be listed, at the address it asks from: nowhere else. */
  dialBack: DialsBack
}

export interface WebhostOptions extends SwarmOptions {
  /** Where to listen; `[::]:8050` takes IPv4 too. */
  listen: Endpoint
  /** Milliseconds for a request to arrive (5,000). */
  requestTimeout?: number
}

/** A rendezvous server: tells nodes of each other, by the BitTorrent tracker announce (BEP 3, 7, 23). */
export interface Webhost {
  /** Nodes on the list. */
  readonly size: number
  /** Resolves to where it listens; rejects with a PacsrvError of code `usage`. */
  start(): Promise<Endpoint>
  stop(): Promise<void>
}

export function createWebhost({ log, ...parts }: WebhostParts, options: WebhostOptions): Webhost {
  const swarm = createSwarm(parts, options)
  const requestTimeout = options.requestTimeout ?? LIMITS.request
  const server = createServer(
    {
      maxHeaderSize: LIMITS.headerBytes,
      requestTimeout,
      // Node looks every 30 s otherwise.
      connectionsCheckingInterval: Math.ceil(requestTimeout / 5),
    },
    respond,
  )
  // Each answer is made and sent at once.
  boundConnections(server, LIMITS.connections, () => false)
  let proxySeen = false

  function behindProxy({ headers }: IncomingMessage): boolean {
    const header = PROXY_HEADERS.find((name) => headers[name] !== undefined)
    if (header && !proxySeen) {
      proxySeen = true
      log.warn({ header }, 'A request came through a proxy: who asks so is answered, but not listed.')
    }
    return header !== undefined
  }

  function respond(request: IncomingMessage, response: ServerResponse) {
    const host = request.socket.remoteAddress
    const [path, search = ''] = split(request.url ?? '')
    response.setHeader('Connection', 'close')
    if (request.method !== 'GET') plain(response.setHeader('Allow', 'GET'), 405, 'GET only')
    else if (path !== '/announce') plain(response, 404, NOT_FOR_PEOPLE)
    else if (host === undefined) response.destroy()
    else {
      const body = swarm.announce(host, search, !behindProxy(request))
      response.setHeader('Content-Type', 'text/plain').end(body)
      log.debug({ host, nodes: swarm.size }, 'announce')
    }
  }

  return {
    get size() {
      return swarm.size
    },
    async start() {
      const at = await listening(server, options.listen)
      server.on('error', (problem) =>
        log.error({ problem: problem.message }, 'The webhost lost a connection.'),
      )
      log.info({ listen: at }, `Webhost on ${at}`)
      return at
    },
    stop() {
      return new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    },
  }
}

function split(url: string): [string, string?] {
  const cut = url.indexOf('?')
  return cut < 0 ? [url] : [url.slice(0, cut), url.slice(cut + 1)]
}

function plain(response: ServerResponse, status: number, text: string) {
  response.writeHead(status, { 'Content-Type': 'text/plain' }).end(`${text}\n`)
}

/** The system's word for it is for who knows that. */
function whyNot(cause: Error, at: Endpoint): string {
  const { port } = hostPort(at)
  const code = systemCode(cause)
  if (code === 'EADDRINUSE')
    return `another program has port ${port} (ss -ltnp shows which; --listen names another port)`
  if (code === 'EACCES') return `port ${port} is kept for root; take one from 1024 on (--listen)`
  if (code === 'EADDRNOTAVAIL') return 'this machine has no such address (--listen)'
  return code ?? cause.message
}

function listening(server: Server, at: Endpoint): Promise<Endpoint> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new PacsrvError('usage', `the webhost can't listen at ${at}: ${whyNot(cause, at)}`, cause))
    })
    server.listen(hostPort(at), () => {
      const { address, port } = server.address() as AddressInfo
      resolve(endpoint(address, port)!)
    })
  })
}
