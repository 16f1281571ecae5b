import { networkInterfaces } from 'node:os'
import type { Cancel, Clock } from '../../base/clock.ts'
import { type Endpoint, endpoint, hostPort, LOWEST_PORT } from '../../base/endpoint.ts'
import { createExpiringMap } from '../../base/expiring-map.ts'
import type { Log } from '../../base/log.ts'
import type { Problems } from '../../base/problems.ts'
import type { Random } from '../../base/random.ts'
import { createBucket, type Rate } from '../../base/token-bucket.ts'
import { PROTOCOL_VERSION } from '../../wire/limits.ts'
import type { NodeId } from '../../wire/messages.ts'
import type { Found } from './lan-instances.ts'
import { type LanLink, lanLinks, readLinkFacts } from './lan-link.ts'
import { createLanPort, type LanPort } from './lan-port.ts'
import { isHostName, type OwnService, PACSERVE, PACSRV } from './lan-records.ts'
import type { LanSocket, OpenLanSocket } from './lan-socket.ts'

/** How often the interfaces are looked at, in milliseconds: a laptop wakes up, a cable is plugged in. */
const RESCAN = 2_500
/** Of two nodes the one with the lower id dials; the other has this patience, in milliseconds, with its firewall. */
const PATIENCE = 1_000
/** Names of machines that are remembered: longer than mDNS goes without saying them again, in milliseconds. */
const NAMES = { ttl: 24 * 60 * 60_000, limit: 1_000 }
/** New nodes that are told of. A node that fakes many must not make us dial them all. */
export const NEWCOMERS: Rate = { perSecond: 2, burst: 64 }

export interface LanDeps {
  clock: Clock
  random: Random
  log: Log
  problems: Problems
  openSocket: OpenLanSocket
  /** The links there are now. */
  links(): LanLink[]
}

export interface LanOptions {
  id: NodeId
  /** Where this node takes connections, asked once it does; it isn't announced where that can't be reached. */
  listen(): Endpoint | undefined
  /** Whether this node talks only to who has its key: then nobody else dials it, and it dials nobody else. */
  closed: boolean
  /** The interfaces that the configuration names; none: it names none. */
  interfaces: string[]
  /** Whether to look for pacredir's servers too. */
  pacserve: boolean
  /** What others are told of as this machine's name. */
  host?: string
}

export interface LanHandler {
  /** A node to connect to. */
  onNode(address: Endpoint, id: NodeId): void
  /** A server of pacredir's has come or gone. */
  onServer(address: Endpoint, there: boolean): void
}

/** Finds the nodes of the LAN, and is found by them, by mDNS on every interface. */
export interface Lan {
  start(): void
  /** What a node calls its machine; nobody has checked it. */
  nameOf(id: NodeId): string | undefined
  /** Says goodbye; resolves when that is out. */
  stop(): Promise<void>
}

/** The links of this machine that the configuration's `lan` means. */
export const linksOf = (lan: boolean | string[]) => () => lanLinks(networkInterfaces(), readLinkFacts, lan)

interface Open {
  port: LanPort
  socket: LanSocket
}

export function createLan(
  { clock, random, log, problems, openSocket, links }: LanDeps,
  { id, listen, closed, interfaces, pacserve, host }: LanOptions,
  { onNode, onServer }: LanHandler,
): Lan {
  const open = new Map<string, Open>()
  const newcomers = createBucket(clock, NEWCOMERS)
  const services = pacserve ? [PACSRV, PACSERVE] : [PACSRV]
  const names = createExpiringMap<NodeId, string>(clock, NAMES)
  let timer: Cancel = () => {}
  let stopped = false

  const keyOf = ({ name, family, addresses }: LanLink) => `${name} ${family} ${addresses.join(' ')}`

  function scan() {
    const now = new Map(links().map((link) => [keyOf(link), link]))
    for (const key of open.keys()) if (!now.has(key)) void close(key, false)
    for (const name of interfaces) lookFor(name, [...now.values()])
    for (const [key, link] of now) if (!open.has(key)) join(key, link)
    timer = clock.after(RESCAN, scan)
  }

  /** What `lan` names may be a slip of the pen, or a cable that isn't plugged in. */
  function lookFor(name: string, now: LanLink[]) {
    if (now.some((link) => link.name === name)) return problems.solved('lan', name)
    problems.report('lan', name, {
      problem: `[network] lan names ${name}, and there is no such interface with an address.`,
      fix: 'correct lan (yes, no, or names as ip -brief address prints them), or bring that interface up',
      log,
    })
  }

  function join(key: string, link: LanLink) {
    const { name, family } = link
    const socket = openSocket(link, {
      onReady() {
        problems.solved('lan', `${name} ${family}`)
        log.info({ interface: name, family, announced: own !== undefined }, 'looking for nodes on the LAN')
        if (open.has(key)) port.start()
      },
      onFailed(error) {
        problems.report('lan', `${name} ${family}`, {
          problem: `No nodes can be found on ${name} by IPv${family}: ${error.message}.`,
          fix: 'see whether another program has UDP port 5353 to itself (ss -ulpn), or leave the interface out of lan',
          log,
          lasts: 2 * RESCAN,
        })
        void close(key, false)
      },
      onProblem: (error) => log.debug({ interface: name, family, problem: error.message }, 'mDNS'),
      accepts: (bytes, from) => port.accepts(bytes, from),
      onQuery: (packet) => port.onQuery(packet),
      onResponse: (packet, from) => port.onResponse(packet, from),
    })
    const own = ownOn(link)
    const port = createLanPort(
      { clock, random, send: (packet) => socket.send(packet) },
      { link, own, services },
      { onFound, onGone },
    )
    open.set(key, { port, socket })
  }

  function ownOn({ family, addresses }: LanLink): OwnService | undefined {
    const at = listen()
    if (at === undefined) return undefined
    const { host: ours, port } = hostPort(at)
    const here = ours === '::' || (family === 4 && ours === '0.0.0.0') || addresses.includes(ours)
    return here ? { id, port, addresses, family, closed, host } : undefined
  }

  async function close(key: string, politely: boolean) {
    const { port, socket } = open.get(key)!
    open.delete(key)
    port.stop(politely)
    await socket.close()
  }

  function onFound({ service, address, port, txt }: Found): boolean {
    const at = endpoint(address, port)
    if (at === undefined || port < LOWEST_PORT || !newcomers.take()) return false
    if (service === PACSERVE) {
      log.debug({ address: at }, "a server of pacredir's on the LAN")
      onServer(at, true)
    } else meet(at, txt)
    return true
  }

  function meet(at: Endpoint, txt: Map<string, string>) {
    const theirs = txt.get('id') ?? ''
    if (!/^[0-9a-f]{64}$/.test(theirs) || txt.get('version') !== String(PROTOCOL_VERSION)) return
    if ((txt.get('closed') === 'yes') !== closed) return
    const name = txt.get('host')
    if (name !== undefined && isHostName(name)) names.set(theirs, name)
    log.debug({ id: theirs, address: at }, 'a node on the LAN')
    clock.after(id < theirs ? 0 : PATIENCE, () => {
      if (!stopped) onNode(at, theirs)
    })
  }

  function onGone({ service, address, port }: Found) {
    const at = endpoint(address, port)
    if (service === PACSERVE && at !== undefined) onServer(at, false)
  }

  return {
    start: scan,
    nameOf: names.get,
    async stop() {
      stopped = true
      timer()
      await Promise.all([...open.keys()].map((key) => close(key, true)))
    },
  }
}
