import type { Socket } from 'node:dgram'
import { EventEmitter } from 'node:events'
import type { Clock } from '../../base/clock.ts'
import { type Endpoint, endpoint, LOWEST_PORT } from '../../base/endpoint.ts'
import { asError } from '../../base/error.ts'
import type { Log } from '../../base/log.ts'
import { readOutgoing, readPacket } from './dht-packet.ts'

/** Queries a second from one address, and packets a second in all; answers that are awaited don't count. */
const QUERIES_EACH = 20
const IN_ALL = 1_000
/** An answer that comes later, in milliseconds, was given up before. */
const ANSWER_TIME = 5_000
const MAX_AWAITED = 1_000

type Sent = (error?: Error | null) => void

/**
 * The UDP socket that bittorrent-dht gets in place of node:dgram's: what comes in is read and checked first, and
 * only well-formed queries, and answers to queries of ours, go on. Who asked is told by `onCaller`, since the
 * library isn't shown (readPacket). Never throws, whatever comes or is to be sent.
 */
export interface DhtSocket extends EventEmitter {
  bind(...words: unknown[]): void
  address(): unknown
  send(bytes: Uint8Array, offset: number, length: number, port: number, host: string, sent: Sent): void
  close(): void
  /** Packets dropped since the start. */
  dropped(): number
}

export function createDhtSocket(
  { udp, clock, log }: { udp: Socket; clock: Clock; log: Log },
  { id, onCaller }: { id: Buffer; onCaller(from: Endpoint): void },
): DhtSocket {
  const events = new EventEmitter()
  /** Address and number of each query of ours that may still be answered, oldest first, with its time. */
  const awaited = new Map<string, number>()
  const waitingFor = new Map<string, number>()
  const counts = new Map<string, number>()
  let second = 0
  let inAll = 0
  let dropped = 0
  let closed = false

  function forget(key: string) {
    if (!awaited.delete(key)) return
    const address = key.slice(0, key.indexOf(' '))
    const left = waitingFor.get(address)! - 1
    if (left > 0) waitingFor.set(address, left)
    else waitingFor.delete(address)
  }

  function forgetOld() {
    const now = clock.now()
    for (const [key, at] of awaited) {
      if (now - at <= ANSWER_TIME && awaited.size <= MAX_AWAITED) return
      forget(key)
    }
  }

  function expect(address: string, transaction: string) {
    const key = `${address} ${transaction}`
    // Numbers come round again.
    forget(key)
    awaited.set(key, clock.now())
    waitingFor.set(address, (waitingFor.get(address) ?? 0) + 1)
    forgetOld()
  }

  /** Whether this second still has room for a packet that nobody asked for. */
  function hasRoom(host: string): boolean {
    const now = Math.floor(clock.now() / 1000)
    if (now !== second) {
      second = now
      inAll = 0
      counts.clear()
    }
    const count = counts.get(host) ?? 0
    if (inAll >= IN_ALL || count >= QUERIES_EACH) return false
    inAll++
    counts.set(host, count + 1)
    return true
  }

  function isWanted(bytes: Buffer, host: string, port: number): Buffer | undefined {
    const from = endpoint(host, port)
    if (from === undefined || port < LOWEST_PORT) return undefined
    const isAwaited = waitingFor.has(from)
    if (!isAwaited && !hasRoom(host)) return undefined
    const packet = readPacket(bytes, from, id)
    if (!packet) return undefined
    if (packet.kind === 'query') {
      if (isAwaited && !hasRoom(host)) return undefined
      onCaller(from)
      return packet.bytes
    }
    const key = `${from} ${packet.transaction}`
    if (!awaited.has(key)) return undefined
    forget(key)
    return packet.bytes
  }

  udp.on('message', (bytes, remote) => {
    const wanted = isWanted(bytes, remote.address, remote.port)
    if (!wanted) dropped++
    else if (!closed) tell('message', wanted, remote)
  })
  for (const event of ['error', 'listening', 'close']) {
    udp.on(event, (...words: unknown[]) => tell(event, ...words))
  }

  /** The library has been seen to throw on what it didn't expect: that must not end the daemon. */
  function tell(event: string, ...words: unknown[]) {
    try {
      events.emit(event, ...words)
    } catch (error) {
      log.warn({ err: asError(error) }, `the DHT stumbled over ${event}`)
    }
  }

  return Object.assign(events, {
    bind: (...words: unknown[]) => void (udp.bind as (...words: unknown[]) => unknown)(...words),
    address: () => udp.address(),
    send(bytes: Uint8Array, _: number, __: number, port: number, host: string, sent: Sent) {
      if (closed) return sent(new Error('closed'))
      try {
        const out = readOutgoing(bytes)
        if (out.transaction !== undefined) expect(`${host}:${port}`, out.transaction)
        udp.send(out.bytes, port, host, sent)
      } catch (error) {
        sent(asError(error))
      }
    },
    close() {
      if (closed) return
      closed = true
      udp.close()
    },
    dropped: () => dropped,
  })
}
