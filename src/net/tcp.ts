import net from 'node:net'
import { type Clock, systemClock } from '../base/clock.ts'
import { type Endpoint, endpoint, hostPort } from '../base/endpoint.ts'
import { type ErrorCode, PacsrvError, systemCode } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import { type BufferPool, createBufferPool } from '../wire/pool.ts'
import type { NetworkKey } from './key-file.ts'
import { createTcpLink, type LinkParts } from './tcp-link.ts'
import type { Tls } from './tls.ts'
import type { Link, Listener, Transport } from './transport.ts'

const RECEIVE_BYTES = 256 * 1024

export interface TcpOptions {
  /** Bytes waiting on a link from which on `send` returns false. */
  highWater?: number
}

export interface TcpParts {
  log: Log
  clock?: Clock
  pool?: BufferPool
  /** Makes this a closed network. */
  tls?: Tls | undefined
}

/** What secures the links of these keys' network; undefined for an open one, which loads no TLS. */
export async function loadTls(keys: NetworkKey[]): Promise<Tls | undefined> {
  const [first, ...others] = keys
  return first && (await import('./tls.ts')).createTls([first, ...others])
}

/** Nodes reach each other by TCP. Its own keepalive stays off: heartbeats are the session's. */
export function createTcpTransport(
  { log, clock = systemClock, pool = createBufferPool(), tls }: TcpParts,
  { highWater = 1024 * 1024 }: TcpOptions = {},
): Transport {
  const parts: LinkParts = { log, clock, pool, highWater, tls }
  // One for all sockets: what was read into it is taken out before the next read.
  const receive = Buffer.allocUnsafeSlow(RECEIVE_BYTES)
  return {
    dial: (target, timeout) => dial(parts, receive, target, timeout),
    listen: (at, onLink) => listen(parts, at, onLink),
  }
}

function dial(parts: LinkParts, receive: Buffer, remote: Endpoint, timeout: number): Promise<Link> {
  return new Promise((resolve, reject) => {
    let made: ReturnType<typeof createTcpLink> | undefined
    const callback = (count: number, buffer: Uint8Array) => {
      made!.onData((buffer as Buffer).subarray(0, count))
      return true
    }
    const buffer = () => made?.room(receive) ?? receive
    const to = { ...hostPort(remote), noDelay: true, onread: { buffer, callback } }
    const socket = parts.tls?.connect(to) ?? net.connect(to)

    const fail = (how: string, cause?: unknown, what: ErrorCode = 'peer') => {
      cancel()
      socket.destroy()
      reject(new PacsrvError(what, `${remote} ${how}.`, cause))
    }
    const onError = (error: Error) => {
      const code = systemCode(error)
      const keyFault = parts.tls?.faultOf(socket, error)
      if (keyFault !== undefined) fail(keyFault, error, 'key')
      else fail(code === 'ECONNREFUSED' ? 'refuses connections' : `can't be reached: ${code}`, error)
    }
    const cancel = parts.clock.after(timeout, () => fail(`did not answer within ${timeout} ms`))
    socket.once('error', onError)
    socket.once(parts.tls ? 'secureConnect' : 'connect', () => {
      cancel()
      socket.pause()
      made = createTcpLink(socket, parts, { remote, outbound: true })
      socket.off('error', onError)
      resolve(made.link)
    })
  })
}

function accept(parts: LinkParts, raw: net.Socket): Link | undefined {
  const remote = endpoint(raw.remoteAddress ?? '', raw.remotePort ?? 0)
  // Gone again before we looked.
  if (!remote) raw.destroy()
  if (!remote) return undefined
  const socket = parts.tls?.accept(raw).pause() ?? raw
  const { link, onData } = createTcpLink(socket, parts, { remote, outbound: false })
  // Node has no `onread` for accepted sockets. The bulk comes by dialled ones: who wants a file dials.
  socket.on('data', onData)
  return link
}

async function listen(parts: LinkParts, at: Endpoint, onLink: (link: Link) => void): Promise<Listener> {
  const server = net.createServer({ noDelay: true, pauseOnConnect: true }, (socket) => {
    const link = accept(parts, socket)
    if (link) onLink(link)
  })
  const { host, port } = hostPort(at)
  const bound = await bind(server, host, port).catch((error) => {
    // Where IPv6 is switched off, "everywhere" is everywhere that there is.
    const noIpv6 = host === '::' && ['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes(systemCode(error) ?? '')
    if (noIpv6) return bind(server, '0.0.0.0', port).catch((again) => cannotListen(at, again))
    return cannotListen(at, error)
  })
  server.on('error', (error) => parts.log.warn({ error, at }, 'A connection could not be taken'))
  return {
    endpoint: endpoint(bound.address, bound.port)!,
    async close() {
      // Its callback would wait for the links, which have owners of their own.
      server.close()
    },
  }
}

function bind(server: net.Server, host: string, port: number): Promise<net.AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, ipv6Only: false }, () => {
      server.off('error', reject)
      resolve(server.address() as net.AddressInfo)
    })
  })
}

function cannotListen(at: Endpoint, error: unknown): never {
  const code = systemCode(error)
  const why =
    code === 'EADDRINUSE'
      ? 'another program has that port'
      : code === 'EACCES'
        ? 'a port below 1024 needs more rights than pacsrv has'
        : code === 'EADDRNOTAVAIL'
          ? 'this machine has no such address'
          : code
  throw new PacsrvError('daemon', `Can't listen on ${at}: ${why}. Change [network] listen.`, error)
}
