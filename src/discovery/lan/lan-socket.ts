import { createSocket, type RemoteInfo } from 'node:dgram'
import { asError, systemCode } from '../../base/error.ts'
import type { LanLink } from './lan-link.ts'
import { decodePacket, encodePacket, type LanPacket } from './lan-packet.ts'
import type { LanPort, LanPortDeps } from './lan-port.ts'

/** One link's mDNS socket, port 5353, shared with avahi, systemd-resolved and whoever else. */
export interface LanSocket {
  send: LanPortDeps['send']
  /** Resolves when what was sent last is out, or can't be. */
  close(): Promise<void>
}

export interface LanSocketHandler extends Pick<LanPort, 'accepts' | 'onQuery' | 'onResponse'> {
  onReady(): void
  /** It can't be used at all. */
  onFailed(error: Error): void
  /** Something went wrong that may pass. */
  onProblem(error: Error): void
}

export type OpenLanSocket = (link: LanLink, handler: LanSocketHandler) => LanSocket

/** RFC 6762, sections 3 and 11. */
const PORT = 5353
const GROUP = { 4: '224.0.0.251', 6: 'ff02::fb' } as const
const HOPS = 255
const GOODBYE_MS = 200
/** How often an interface that lets nobody in yet is tried: an IPv6 address is on trial for a second. */
const JOIN_MS = 2_000

export const openLanSocket: OpenLanSocket = ({ name, family, addresses }, handler) => {
  const socket =
    family === 4
      ? createSocket({ type: 'udp4', reuseAddr: true })
      : createSocket({ type: 'udp6', reuseAddr: true, ipv6Only: true })
  const through = family === 4 ? addresses[0]! : `::%${name}`
  let last: Promise<void> = Promise.resolve()
  let state: 'opening' | 'open' | 'failed' | 'closed' = 'opening'
  let joining: NodeJS.Timeout | undefined

  // Linux gives each socket of the port what came by any interface, and most of that is about other services.
  socket.on('message', (bytes, from) => {
    if (handler.accepts(bytes, from)) hear(bytes, from)
  })
  socket.on('error', (error) => {
    const isOver = state === 'opening' || /^(EACCES|EADDRINUSE)$/.test(systemCode(error) ?? '')
    if (!isOver) return handler.onProblem(error)
    if (state === 'failed' || state === 'closed') return
    state = 'failed'
    handler.onFailed(error)
  })
  // All addresses: with one of its own Linux hands a socket no multicast.
  socket.bind(PORT, family === 4 ? '0.0.0.0' : '::', () => {
    if (state !== 'opening') return
    state = 'open'
    socket.setMulticastTTL(HOPS)
    socket.setMulticastLoopback(true)
    join()
    handler.onReady()
  })

  function hear(bytes: Buffer, { address }: RemoteInfo) {
    let packet: LanPacket
    try {
      packet = decodePacket(bytes)
    } catch (error) {
      return handler.onProblem(asError(error))
    }
    if (packet.query) handler.onQuery(packet.query)
    else handler.onResponse(packet.response, address)
  }

  function join() {
    try {
      socket.addMembership(GROUP[family], through)
      socket.setMulticastInterface(through)
    } catch (error) {
      handler.onProblem(asError(error))
      joining = setTimeout(join, JOIN_MS).unref()
    }
  }

  return {
    send(packet) {
      if (state !== 'open') return
      const bytes = encodePacket(packet)
      last = new Promise((resolve) => {
        socket.send(bytes, PORT, GROUP[family], (error) => {
          if (error) handler.onProblem(error)
          resolve()
        })
      })
    },
    async close() {
      clearTimeout(joining)
      const timeout = new Promise((resolve) => setTimeout(resolve, GOODBYE_MS).unref())
      if (state === 'open') await Promise.race([last, timeout])
      state = 'closed'
      socket.close()
    },
  }
}
