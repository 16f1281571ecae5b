import type { Clock } from '../base/clock.ts'
import { type Endpoint, endpoint, hostPort } from '../base/endpoint.ts'
import { PacsrvError } from '../base/error.ts'
import type { Random } from '../base/random.ts'
import type { Message } from '../wire/messages.ts'
import { messageBytes } from '../wire/size.ts'
import type { Link, LinkHandler, Listener, Transport } from './transport.ts'

export interface MemoryOptions {
  /** Milliseconds from one host to another, one way. */
  latency?: number | ((from: string, to: string) => number)
  /** Chance, 0 to below 1, that a message is lost once: as TCP does, it is sent again 200 ms later. */
  loss?: number
  /** Told of every message when it is sent: what a simulation counts. */
  onSend?: (message: Message, from: string, to: string) => void
}

export interface Nat {
  /** The gateway's address, which others see in place of the host's own. */
  seenAs: string
  /** The gateway drops what it doesn't know, as real ones do, instead of refusing it. */
  silent?: boolean
}

/** Hosts in one process, joined by links of objects: nothing is encoded. Messages are not to be changed. */
export interface MemoryNetwork {
  /** A host's own way to the others. `host` is an IP address; a killed host comes back by asking again. */
  transport(host: string, nat?: Nat): Transport
  /** Closes every link between two hosts; each end hears of it after the latency. */
  cut(a: string, b: string): void
  /** From now on nothing passes between groups; a host in no group is in one with all such. */
  partition(...groups: string[][]): void
  /** Ends the partition. A link that lost something in it stays dead: its stream has a hole. */
  heal(): void
  /** The program dies and its links close; or, silently, the machine does, and nobody is told. */
  kill(host: string, how?: { silent: boolean }): void
}

const RESEND = 200
const EPHEMERAL = 32768

interface Host {
  address: string
  nat: Nat | undefined
  alive: boolean
  listeners: Map<number, (link: Link) => void>
  links: Set<End>
  nextPort: number
}

/** What the ends of links need of their network. */
interface Wires {
  clock: Clock
  onSend: MemoryOptions['onSend']
  carry(from: End, bytes: number, arrive: (to: End) => void): void
}

/** One end of a link. A class, since a simulation holds 80,000. */
class End implements Link {
  received = 0
  other!: End
  open = true
  /** Something was lost on the way here: nothing more can arrive. */
  dead = false
  /** When the last message sent from here arrives: nothing overtakes it. */
  lastArrival = 0
  readonly host: Host
  readonly remote: Endpoint
  readonly outbound: boolean
  private handler: LinkHandler | undefined
  /** What came before anybody listened. */
  private early: ((handler: LinkHandler) => void)[] | undefined
  private readonly wires: Wires

  constructor(wires: Wires, host: Host, remote: Endpoint, outbound: boolean) {
    this.wires = wires
    this.host = host
    this.remote = remote
    this.outbound = outbound
    host.links.add(this)
  }

  handle(handler: LinkHandler) {
    if (!this.early) {
      this.handler = handler
      return
    }
    queueMicrotask(() => {
      this.handler = handler
      for (const tell of this.early ?? []) tell(handler)
      this.early = undefined
    })
  }

  recycle() {}

  send(message: Message, sent?: () => void): boolean {
    if (sent) this.wires.clock.after(0, sent)
    if (!this.open) return true
    this.wires.onSend?.(message, this.host.address, this.other.host.address)
    const payload = 'payload' in message ? message.payload : undefined
    // Who asks for `sent` may use the bytes again (and a Buffer's own slice is no copy).
    const copy = sent && payload ? ({ ...message, payload: Uint8Array.from(payload) } as Message) : message
    const bytes = messageBytes(message) + (payload?.length ?? 0)
    this.wires.carry(this, bytes, (to) =>
      to.tell((handler) => {
        if (handler.admits?.(message.type, bytes) ?? true) handler.onMessage(copy)
      }),
    )
    return true
  }

  close(reason?: Error) {
    if (!this.open) return
    this.wires.carry(this, 0, (to) => to.shut(undefined))
    this.early = undefined
    this.shut(reason)
  }

  /** Ends this end alone; its owner hears of it in a turn of its own, as from a socket. */
  shut(reason: Error | undefined) {
    if (!this.open) return
    this.open = false
    this.host.links.delete(this)
    this.wires.clock.after(0, () => {
      if (this.host.alive) this.tell((handler) => handler.onClose(reason))
    })
  }

  private tell(what: (handler: LinkHandler) => void) {
    if (this.handler) {
      what(this.handler)
      return
    }
    this.early ??= []
    this.early.push(what)
  }
}

export function createMemoryNetwork(
  { clock, random }: { clock: Clock; random: Random },
  { latency = 20, loss = 0, onSend }: MemoryOptions = {},
): MemoryNetwork {
  const hosts = new Map<string, Host>()
  const gateways = new Map<string, Nat>()
  let groupOf: Map<string, number> | undefined

  const delay = typeof latency === 'number' ? () => latency : latency

  const parted = (a: Host, b: Host) =>
    groupOf !== undefined && groupOf.get(a.address) !== groupOf.get(b.address)

  function resends(): number {
    let pause = 0
    while (loss > 0 && random.below(1e6) < loss * 1e6) pause += RESEND
    return pause
  }

  function carry(from: End, bytes: number, arrive: (to: End) => void) {
    const to = from.other
    if (parted(from.host, to.host)) to.dead = true
    if (to.dead || !to.host.alive) return
    const way = delay(from.host.address, to.host.address) + resends()
    const at = Math.max(clock.now() + way, from.lastArrival)
    from.lastArrival = at
    clock.after(at - clock.now(), () => {
      if (!to.open || to.dead || !to.host.alive) return
      to.received += bytes
      arrive(to)
    })
  }

  const wires: Wires = { clock, onSend, carry }

  /** Who takes a call to `address`: a host, nobody ('refuses'), or a hole that swallows it ('silent'). */
  function whoAnswers(from: Host, address: string): Host | 'refuses' | 'silent' {
    if (address === '127.0.0.1' || address === '::1' || address === from.address) return from
    const gateway = gateways.get(address)
    if (gateway) return gateway.silent ? 'silent' : 'refuses'
    const host = hosts.get(address)
    if (!host) return 'refuses'
    if (!host.alive || parted(from, host)) return 'silent'
    return host.nat && host.nat.seenAs !== from.nat?.seenAs ? 'silent' : host
  }

  function join(from: Host, to: Host, target: Endpoint, onLink: (link: Link) => void): End {
    const seen = from.nat && from.nat.seenAs !== to.nat?.seenAs ? from.nat.seenAs : from.address
    const near = new End(wires, from, target, true)
    const far = new End(wires, to, endpoint(seen, from.nextPort++)!, false)
    near.other = far
    far.other = near
    onLink(far)
    return near
  }

  function dial(from: Host, target: Endpoint, timeout: number): Promise<Link> {
    const { host: address, port } = hostPort(target)
    const answers = from.alive ? whoAnswers(from, address) : 'refuses'
    const to = typeof answers === 'object' ? answers : undefined
    const way = delay(from.address, to?.address ?? address)
    return new Promise((resolve, reject) => {
      const fail = (how: string) => reject(new PacsrvError('peer', `${target} ${how}.`))
      if (answers === 'silent' || 2 * way > timeout) {
        clock.after(timeout, () => fail(`did not answer within ${timeout} ms`))
        return
      }
      clock.after(way, () => {
        const onLink = to?.listeners.get(port)
        if (!to || !onLink) {
          clock.after(way, () => fail('refuses connections'))
          return
        }
        let near: End
        clock.after(way, () => resolve(near))
        near = join(from, to, target, onLink)
      })
    })
  }

  async function listen(host: Host, at: Endpoint, onLink: (link: Link) => void): Promise<Listener> {
    const asked = hostPort(at)
    const port = asked.port || host.nextPort++
    if (host.listeners.has(port)) throw new PacsrvError('peer', `Port ${port} of ${host.address} is taken.`)
    host.listeners.set(port, onLink)
    return {
      endpoint: endpoint(asked.host, port)!,
      close: async () => void host.listeners.delete(port),
    }
  }

  return {
    transport(address, nat) {
      const host: Host = {
        address,
        nat,
        alive: true,
        listeners: new Map(),
        links: new Set(),
        nextPort: EPHEMERAL,
      }
      if (hosts.get(address)?.alive) throw new Error(`${address} is there already`)
      hosts.set(address, host)
      if (nat) gateways.set(nat.seenAs, nat)
      return {
        dial: (target, timeout) => dial(host, target, timeout),
        listen: (at, onLink) => listen(host, at, onLink),
      }
    },

    cut(a, b) {
      for (const end of [...(hosts.get(a)?.links ?? [])]) {
        if (end.other.host.address === b) severe(end)
      }
    },

    partition(...groups) {
      groupOf = new Map(groups.flatMap((members, i) => members.map((member) => [member, i] as const)))
    },

    heal() {
      groupOf = undefined
    },

    kill(address, how) {
      const host = hosts.get(address)
      if (!host?.alive) return
      const links = [...host.links]
      if (!how?.silent) for (const end of links) carry(end, 0, (to) => to.shut(undefined))
      host.alive = false
      host.listeners.clear()
      host.links.clear()
      for (const end of links) end.open = false
    },
  }

  function severe(end: End) {
    const lost = new PacsrvError('peer', 'The connection was cut.')
    for (const one of [end, end.other]) {
      clock.after(delay(one.other.host.address, one.host.address), () => one.shut(lost))
    }
  }
}
