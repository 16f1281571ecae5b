import { createSocket } from 'node:dgram'
import multicastDns from 'multicast-dns'
import type { LanLink } from './lan-link.ts'
import type { LanPort, LanPortDeps } from './lan-port.ts'
import type { Query, Response } from './lan-records.ts'

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

const GOODBYE_MS = 200

export const openLanSocket: OpenLanSocket = ({ name, family, addresses }, handler) => {
  const socket =
    family === 4
      ? createSocket({ type: 'udp4', reuseAddr: true })
      : createSocket({ type: 'udp6', reuseAddr: true, ipv6Only: true })
  const mdns = multicastDns({
    socket,
    ...(family === 4
      ? { interface: addresses[0]!, bind: '0.0.0.0' }
      : { type: 'udp6', ip: 'ff02::fb', interface: `::%${name}`, bind: '::' }),
  })
  let last: Promise<void> = Promise.resolve()
  let failed = false

  // Linux gives each socket of the port what came by any interface, and most of that is about other services.
  const [decode] = socket.listeners('message') as ((bytes: Buffer, from: object) => void)[]
  socket.removeAllListeners('message')
  socket.on('message', (bytes, from) => {
    if (handler.accepts(bytes, from)) decode!.call(socket, bytes, from)
  })

  mdns.on('ready', () => handler.onReady())
  mdns.on('query', (packet) => handler.onQuery(packet as Query))
  mdns.on('response', (packet, { address }) => handler.onResponse(packet as Response, address))
  mdns.on('warning', handler.onProblem)
  mdns.on('error', (error) => {
    if (!failed) handler.onFailed(error)
    failed = true
  })

  return {
    send(packet) {
      last = new Promise((resolve) => {
        const sent = (error: Error | null) => {
          if (error) handler.onProblem(error)
          resolve()
        }
        if ('questions' in packet) mdns.query(packet, sent)
        else mdns.respond(packet, sent)
      })
    },
    async close() {
      const timeout = new Promise((resolve) => setTimeout(resolve, GOODBYE_MS).unref())
      if (!failed) await Promise.race([last, timeout])
      mdns.destroy()
    },
  }
}
