import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { addressBlock } from '../base/address.ts'
import { endpoint } from '../base/endpoint.ts'
import { countBy, whoGivesUp } from '../base/places.ts'

export interface ConnectionLimits {
  /** Connections at once. */
  inAll: number
  /** Of one address (an IPv6 /64 is one); left out where all come from this machine. */
  perAddress?: number
  /** Milliseconds after which a connection on which nothing moves is closed. */
  silent: number
}

interface Connection {
  socket: Socket
  address: string
  /** By the process's clock in milliseconds, when bytes last went out to it, or it came. */
  movedAt: number
  written: number
}

/** What takes nothing for so long gives its place to whoever waits, in milliseconds. */
const STALLED_MS = 2_000

/**
 * Bounds what connections to an HTTP server may cost. When all places are taken, a newcomer takes that of a connection
 * that is asking for nothing, of the address with the most of them; else of one that doesn't take its answer.
 * `isAnswering`: whether something is on its way to the socket.
 */
export function boundConnections(
  server: Server,
  { inAll, perAddress = inAll, silent }: ConnectionLimits,
  isAnswering: (socket: Socket) => boolean,
): void {
  const open = new Map<Socket, Connection>()

  /** When it was last seen to take something. */
  function movedAt(one: Connection): number {
    const written = one.socket.bytesWritten - one.socket.writableLength
    if (written !== one.written) one.movedAt = performance.now()
    one.written = written
    return one.movedAt
  }

  function whoGoes(newcomer: string, all: Connection[]): Connection | undefined {
    const idle = all.filter(({ socket }) => !isAnswering(socket))
    const stalled = () => all.filter((one) => performance.now() - movedAt(one) >= STALLED_MS)
    const candidates = idle.length > 0 ? idle : stalled()
    const most = whoGivesUp(
      countBy(candidates, ({ address }) => address),
      newcomer,
    )
    // The oldest: a live client asks as soon as it is connected.
    return candidates.find(({ address }) => address === (most ?? address))
  }

  server.on('connection', (socket: Socket) => {
    const from = endpoint(socket.remoteAddress ?? '', 0)
    const address = from === undefined ? '' : addressBlock(from)
    const all = [...open.values()]
    const own = perAddress < inAll ? all.filter((one) => one.address === address) : []
    if (own.length >= perAddress || all.length >= inAll) {
      const goes = whoGoes(address, own.length >= perAddress ? own : all)
      if (!goes) return void socket.destroy()
      open.delete(goes.socket)
      goes.socket.destroy()
    }
    open.set(socket, { socket, address, movedAt: performance.now(), written: 0 })
    socket.once('close', () => open.delete(socket))
  })
  server.setTimeout(silent)
}
