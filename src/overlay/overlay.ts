import { createAccess } from '../base/access-list.ts'
import { addressBlock } from '../base/address.ts'
import type { Clock } from '../base/clock.ts'
import type { Cidr } from '../base/config-values.ts'
import type { Endpoint, HostPort } from '../base/endpoint.ts'
import type { Limiter } from '../base/limiter.ts'
import type { Log } from '../base/log.ts'
import { createProblems, type Problems } from '../base/problems.ts'
import type { Random } from '../base/random.ts'
import { createStrangerLog } from '../base/stranger-log.ts'
import type { Transport } from '../net/transport.ts'
import type { HeldFile, Message, NodeId, Sha256, WantedFile } from '../wire/messages.ts'
import { dispatch } from './dispatch.ts'
import { createBans } from './neighbours/bans.ts'
import type { Source } from './neighbours/book.ts'
import { createConnections } from './neighbours/connections.ts'
import { createDialling } from './neighbours/dialling.ts'
import { createIntroductions } from './neighbours/introductions.ts'
import { createNeighbourhood } from './neighbours/neighbourhood.ts'
import { createReach, type Reachable } from './neighbours/reach.ts'
import { createSite } from './neighbours/site.ts'
import type { NeighbourInfo } from './neighbours/standing.ts'
import { type AnnouncementsHandler, createAnnouncements } from './query/announcements.ts'
import { createHolderDials } from './query/holder-dials.ts'
import { createHolders, type Holder } from './query/holders.ts'
import { createRelay, type Holdings } from './query/relay.ts'
import { createRelayBudget } from './query/relay-budget.ts'
import { createSearches, type FindOptions } from './query/search.ts'
import type { Identity } from './session/identity.ts'
import type { Session } from './session/session.ts'

export type { Source } from './neighbours/book.ts'
export type { Reachable } from './neighbours/reach.ts'
export type { NeighbourInfo } from './neighbours/standing.ts'
export type { Holder } from './query/holders.ts'
export type { Holdings } from './query/relay.ts'
export type { FindOptions } from './query/search.ts'
export type { Session } from './session/session.ts'

export interface OverlayDeps {
  transport: Transport
  identity: Identity
  clock: Clock
  random: Random
  log: Log
  /** Who hears what is wrong; nobody when left out. */
  problems?: Problems
  /** `all`: what this node holds or downloads. Companions are told of it when they come, so that they needn't ask. */
  holdings: Holdings & { all?(): HeldFile[] }
  /** The numeric addresses of a host by name, for `[direct]`. */
  resolve(host: string): Promise<string[]>
  /** Whether an address is this machine's or on one of its links: then it is of this site. */
  isOnLink(address: Endpoint): boolean
  /** What keeps to the limit of this node's uploads: what is passed on for others counts too. */
  uploads?: Limiter
}

export interface OverlayHandler extends AnnouncementsHandler {
  /** An incoming session on which the other end may ask for files. `session.handle` is to be called at once. */
  onTransfer(session: Session): void
  /** Too few neighbours: time to ask a webhost. Told every few seconds while that lasts. */
  onShort?(): void
  /** Somebody has been shut out. */
  onBanned?(who: { id?: NodeId; address?: Endpoint }, reason: string): void
}

export interface OverlayOptions {
  /** Where to take connections; nowhere when left out. */
  listen?: Endpoint | undefined
  advertise?: Endpoint | undefined
  direct?: HostPort[]
  /** Default 3. */
  minConnections?: number
  /** Default 30. */
  maxConnections?: number
  /** Hops that a query travels; default 7. */
  ttl?: number
  allow?: Cidr[]
  deny?: Cidr[]
  /** Only who has the network's key can be connected at all. */
  closed?: boolean
  /** Program and version, for people; at most 64 bytes. */
  agent: string
}

/** A node of the network: its neighbours, what they have, and the way to everybody else. */
export interface Overlay {
  readonly id: NodeId
  /** Where it takes connections, once started. */
  readonly listening: Endpoint | undefined
  readonly reachable: Reachable
  /** Bans laid since the start. */
  readonly banned: number
  neighbours(): NeighbourInfo[]
  /** Rejects with a PacsrvError when the listening address can't be had. */
  start(): Promise<void>
  stop(): Promise<void>
  /**
   * Tells of each (file, holder) as it becomes known: what is remembered at once, then what a search brings.
   * Resolves when nobody more will come: at once when memory has a holder for each, at most 2.5 s later
   * otherwise, and after an abort. Never rejects.
   */
  find(files: WantedFile[], options: FindOptions): Promise<void>
  /**
   * A transfer session with a holder: dialled, or by CALL where that fails. Rejects with PacsrvError `peer` or
   * `wire` in 12 s at the latest; the holder is then worth a `forget`.
   */
  connect(holder: Holder): Promise<Session>
  /** A transfer session with whoever is at an address that a stranger named. Rejects as `connect`. */
  knock(address: Endpoint): Promise<Session>
  /**
   * Tells the neighbours, or those of them that are companions, what this node now has, and has no longer. Returns how
   * many they are.
   */
  announce(added: HeldFile[], removed: Sha256[], to?: 'all' | 'companions'): number
  /**
   * Whether a node is a companion, whose word counts for what it had from the mirror: the other end of this
   * connection is on this site, or is named in `[direct]`, or the network is closed.
   */
  isCompanion(of: Pick<Session, 'id' | 'remote'>): boolean
  hasCompanions(): boolean
  /** Shuts a node out by id and by address, `ms` milliseconds long (an hour), and drops it. */
  ban(who: { id?: NodeId; address?: Endpoint }, reason: string, ms?: number): void
  isBanned(id: NodeId): boolean
  /** It said no, or can't be reached: it leaves the memory of who has the file. */
  forget(holder: Pick<Holder, 'id' | 'file'>): void
  /** Addresses of nodes, from the LAN or from somebody who may say what they like. */
  learn(addresses: Endpoint[], source: Source): void
  /** A node of the LAN, by what was said there. */
  meet(address: Endpoint, id: NodeId): void
  /** The machines of `[direct]` from now on. */
  setDirect(servers: HostPort[]): void
}

export function createOverlay(deps: OverlayDeps, options: OverlayOptions, handler: OverlayHandler): Overlay {
  const { transport, identity, clock, random, log, holdings, problems = createProblems(clock) } = deps
  const { listen, advertise, direct = [], minConnections = 3, maxConnections = 30, ttl = 7, agent } = options
  const self = identity.id
  const bans = createBans(clock)
  const access = createAccess({ allow: options.allow ?? [], deny: options.deny ?? [] })
  const holders = createHolders(clock)
  const news = createStrangerLog(clock, log)

  const connections = createConnections(
    { transport, identity, clock, random, log, bans, access, problems },
    { listen, advertise, agent },
    (session) => {
      reach.dialledBy(session)
      if (session.purpose === 'transfer') dials.incoming(session)
      else neighbours.add(session, false)
    },
  )
  const neighbours = createNeighbourhood(
    { clock, self },
    { max: maxConnections },
    { onJoin, onLeave, onMessage, onFull: (session) => introductions.tell(session) },
  )
  const introductions = createIntroductions({ clock, random }, neighbours)
  const { isDirect } = neighbours
  const { isOnLink } = deps
  const { isCompanion, isToMeet, distanceOf } = createSite({
    closed: options.closed === true,
    isDirect,
    isOnLink,
  })
  const relay = createRelay(
    {
      clock,
      self,
      holdings,
      neighbours,
      isReachable: (session) => reach.seenBy(session) !== 'no',
      isCompanion,
      budget: createRelayBudget(clock, deps.uploads),
      onAnswer: (ack) => searches.answered(ack),
      onCall: (call) => dials.called({ ...call, asker: introductions.withAddress(call.asker) }),
    },
    { ttl },
  )
  const searches = createSearches({ clock, random, holders, ask: relay.ask }, { ttl })
  const announcements = createAnnouncements({ holders, searches, isCompanion }, handler)
  const dials = createHolderDials(
    {
      clock,
      random,
      log,
      self,
      dial: connections.dial,
      call: relay.call,
      canBeDialled: () => reach.state !== 'no',
      onTransfer: handler.onTransfer,
    },
    { ttl },
  )
  const reach = createReach(
    {
      clock,
      neighbours: () => neighbours.all().filter(({ outbound }) => outbound),
      dial: connections.dial,
      onTransfer: handler.onTransfer,
    },
    { listens: listen !== undefined, advertised: advertise !== undefined },
  )
  const dialling = createDialling(
    { ...deps, problems, connections, neighbours, isToMeet, onShort },
    { min: minConnections, max: maxConnections, direct },
  )

  function onJoin(session: Session) {
    const { id, block, remote, outbound } = session
    news.info(block, { id, address: remote }, outbound ? 'neighbour found' : 'neighbour came')
    if (outbound) reach.ask(session)
    // Where there is no multicast, the machine that all name in [direct] is where an office meets.
    const isWanted = neighbours.size < minConnections || neighbours.isDirect(id)
    if (minConnections > 0 && isWanted) session.send({ type: 'nodesWanted' })
    if (isCompanion(session)) announcements.tell([session], holdings.all?.() ?? [], [])
  }

  function onLeave(session: Session) {
    const { id, block, remote } = session
    news.info(block, { id, address: remote }, 'neighbour left')
    holders.removeFetching(id)
    dialling.left(session)
  }

  function onShort() {
    introductions.ask()
    handler.onShort?.()
  }

  function onMessage(session: Session, message: Message) {
    dispatch(session, message, { relay, announcements, introductions, dialling, reach })
  }

  return {
    id: self,
    get listening() {
      return connections.listening
    },
    get reachable() {
      return reach.state
    },
    get banned() {
      return bans.count
    },
    neighbours: () =>
      neighbours.infos((session) => ({ companion: isCompanion(session), distance: distanceOf(session) })),
    async start() {
      await connections.start()
      dialling.start()
    },
    async stop() {
      dialling.stop()
      await connections.stop()
    },
    find: searches.find,
    connect: (holder) => dials.connect(introductions.withAddress(holder)),
    knock: dials.knock,
    announce(added, removed, to = 'all') {
      const all = neighbours.all()
      const whom = to === 'all' ? all : all.filter(isCompanion)
      announcements.tell(whom, added, removed)
      return whom.length
    },
    isCompanion,
    hasCompanions: () => neighbours.all().some(isCompanion),
    ban(who, reason, ms) {
      news.warn(who.address === undefined ? '' : addressBlock(who.address), { ...who, reason }, 'banned')
      bans.add(who, ms)
      handler.onBanned?.(who, reason)
      if (who.id !== undefined) holders.removeNode(who.id)
      connections.closeBanned()
    },
    isBanned: (id) => bans.has({ id }),
    forget: ({ id, file }) => holders.remove(id, file.sha256),
    learn: dialling.learn,
    meet: dialling.meet,
    setDirect: dialling.setDirect,
  }
}
