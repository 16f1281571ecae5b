import net from 'node:net'
import { type Clock, systemClock } from '../base/clock.ts'
import { type Endpoint, endpoint, hostPort } from '../base/endpoint.ts'
import { type ErrorCode, PacsrvError, systemCode } from '../base/error.ts'
import { readInPlace } from '../base/in-place.ts'
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
  const receive = Buffer.allocUnsafeSlow(RECEIVE_BYTES)
  const parts: Parts = { log, clock, pool, highWater, tls, receive }
  return {
    dial: (target, timeout) => dial(parts, target, timeout),
    listen: (at, onLink) => listen(parts, at, onLink),
  }
}

interface Parts extends LinkParts {
  /** One for all sockets: what was read into it is taken out before the next read. */
  receive: Buffer
}

type Made = ReturnType<typeof createTcpLink>

/** A socket's option by which what comes is read into one buffer, or straight to where the link wants it. */
const onreadFor = ({ receive }: Parts, made: () => Made | undefined): net.OnReadOpts => ({
  buffer: () => made()?.room(receive) ?? receive,
  callback(count, buffer) {
    made()!.onData((buffer as Buffer).subarray(0, count))
    return true
  },
})

function dial(parts: Parts, remote: Endpoint, timeout: number): Promise<Link> {
  return new Promise((resolve, reject) => {
    let made: Made | undefined
    const onread = onreadFor(parts, () => made)
    const to = { ...hostPort(remote), noDelay: true, onread }
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

function accept(parts: Parts, raw: net.Socket): Link | undefined {
  const remote = endpoint(raw.remoteAddress ?? '', raw.remotePort ?? 0)
  // Gone again before we looked.
  if (!remote) raw.destroy()
  if (!remote) return undefined
  let made: Made | undefined
  const inPlace = parts.tls
    ? undefined
    : readInPlace(
        raw,
        onreadFor(parts, () => made),
      )
  const socket = inPlace ?? parts.tls?.accept(raw).pause() ?? raw
  made = createTcpLink(socket, parts, { remote, outbound: false })
  if (!inPlace) socket.on('data', made.onData)
  return made.link
}

async function listen(parts: Parts, at: Endpoint, onLink: (link: Link) => void): Promise<Listener> {
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
