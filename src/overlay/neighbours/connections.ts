import type { Access } from '../../base/access-list.ts'
import { addressBlock, isNear, placeBlock } from '../../base/address.ts'
import { createBudgets } from '../../base/budgets.ts'
import { type Endpoint, hostPort } from '../../base/endpoint.ts'
import { asError, PacsrvError } from '../../base/error.ts'
import { createExpiringMap } from '../../base/expiring-map.ts'
import { silentLog } from '../../base/log.ts'
import { whoGivesUp } from '../../base/places.ts'
import type { Problems } from '../../base/problems.ts'
import { createBucket, type Rate } from '../../base/token-bucket.ts'
import type { Link, Listener, Transport } from '../../net/transport.ts'
import type { NodeId, Purpose } from '../../wire/messages.ts'
import { openSession, type Session, type SessionDeps } from '../session/session.ts'
import type { Bans } from './bans.ts'

/** A dial takes no longer, in milliseconds; the greeting's time comes on top. */
const DIAL_TIME = 3_000
/** Incoming connections that haven't greeted yet: in all, and from one address. A greeting takes a round trip. */
const MAX_GREETING = { inAll: 256, each: 8 }
/** Handshakes cost a millisecond each: from one address, and in all. */
const HANDSHAKES: Rate = { perSecond: 2, burst: 24 }
const HANDSHAKES_IN_ALL: Rate = { perSecond: 50, burst: 500 }
/** Nodes of another network are spoken of once in so long, in milliseconds, and not more often than this in all. */
const KEY_NEWS = { ttl: 3_600_000, limit: 1_000 }
const KEY_NEWS_RATE = { perSecond: 1 / 600, burst: 10 }
/** Milliseconds that the last of this site with another key is a problem: redials come sooner, a guest's machine leaves. */
const KEY_PROBLEM = 3_600_000
const KEY_FIX = 'put the same key-file on both machines ([network] key-file), if they are to be one network'
/** Incoming transfers; neighbours have a limit of their own. */
const MAX_TRANSFERS = 200

export interface ConnectionsDeps extends SessionDeps {
  transport: Transport
  bans: Bans
  access: Access
  problems: Problems
}

export interface ConnectionsOptions {
  listen?: Endpoint | undefined
  advertise?: Endpoint | undefined
  agent: string
}

/** Every connection of this node, greeted, let in and accounted for. */
export interface Connections {
  /** Where this node takes connections, once started. */
  readonly listening: Endpoint | undefined
  start(): Promise<void>
  /** Closes all; what is still being dialled closes as it comes. */
  stop(): Promise<void>
  /** Rejects with PacsrvError `peer`, `key` or `wire`. */
  dial(address: Endpoint, purpose: Purpose, expect?: NodeId): Promise<Session>
  /** Closes every session with a banned node. */
  closeBanned(): void
}

export function createConnections(
  deps: ConnectionsDeps,
  options: ConnectionsOptions,
  onSession: (session: Session) => void,
): Connections {
  const { transport, bans, access, log, problems } = deps
  const open = new Set<Session>()
  let listener: Listener | undefined
  /** By address, the links that are greeting, the oldest first. */
  const greeting = new Map<string, Set<Link>>()
  let greetingInAll = 0
  const handshakes = createBudgets(deps.clock, HANDSHAKES, HANDSHAKES_IN_ALL)
  let transfersIn = 0
  const told = createExpiringMap<string, true>(deps.clock, KEY_NEWS)
  const news = createBucket(deps.clock, KEY_NEWS_RATE)
  let stopped = false

  const banned = ({ id, remote }: Session) => bans.has({ id, address: remote })

  async function greet(link: Link, purpose: Purpose, expect?: NodeId): Promise<Session> {
    const { advertise, agent } = options
    const port = listener ? hostPort(listener.endpoint).port : 0
    let ended = false
    const onEnd = (session: Session) => {
      ended = true
      if (open.delete(session) && isTransferIn(session)) transfersIn--
    }
    const session = await openSession(link, deps, { purpose, port, advertise, agent, expect, onEnd })
    if (ended) throw new PacsrvError('peer', `${link.remote} left as soon as it had greeted`)
    return admit(session)
  }

  const isTransferIn = (session: Session) => session.purpose === 'transfer' && !session.outbound

  function admit(session: Session): Session {
    const full = isTransferIn(session) && transfersIn >= MAX_TRANSFERS
    const reason = stopped ? 'leaving' : banned(session) ? 'banned' : full ? 'busy' : undefined
    if (reason) {
      session.close(reason)
      throw new PacsrvError('peer', `${session.remote} was turned away: ${reason}`)
    }
    open.add(session)
    if (isNear(session.remote)) problems.solved('key', 'site')
    if (isTransferIn(session)) transfersIn++
    return session
  }

  /** One more is greeting, if there is a place for it; where there is none, the address with the most gives one up. */
  function hasPlace(link: Link, block: string): boolean {
    const own = greeting.get(block) ?? new Set()
    if (own.size >= MAX_GREETING.each || !handshakes.take(block)) return false
    if (greetingInAll >= MAX_GREETING.inAll) {
      const counts = new Map([...greeting].map(([key, links]) => [key, links.size]))
      const [oldest] = greeting.get(whoGivesUp(counts, block) ?? '') ?? []
      if (!oldest) return false
      oldest.close(new PacsrvError('peer', 'others wait to greet'))
    }
    greeting.set(block, own.add(link))
    greetingInAll++
    return true
  }

  function greeted(link: Link, block: string) {
    const own = greeting.get(block)
    if (own?.delete(link)) greetingInAll--
    if (own?.size === 0) greeting.delete(block)
  }

  /** Strangers at the door must not fill the log, nor may a server of [direct] that has another key. */
  function failed(address: Endpoint, thrown: unknown) {
    const error = asError(thrown)
    const what = error.message.replace(address, addressBlock(address))
    const isNews = error instanceof PacsrvError && error.code === 'key' && !told.get(what) && news.take()
    if (isNews) told.set(what, true)
    if (isNews) log.warn({ address }, error.message)
    else log.debug({ address, error: error.message }, 'a greeting failed')
    if (error instanceof PacsrvError && error.code === 'key') foreignKey(address, error)
  }

  /** Of strangers nothing else is to be expected; beside somebody of this site with our key it is another network. */
  function foreignKey(address: Endpoint, { message }: PacsrvError) {
    if (!isNear(address) || [...open].some(({ remote }) => isNear(remote))) return
    const problem = message.replace(/^The other node/, `The node at ${hostPort(address).host}`)
    // The log has it.
    problems.report('key', 'site', { problem, fix: KEY_FIX, log: silentLog, lasts: KEY_PROBLEM })
  }

  function accept(link: Link) {
    const address = link.remote
    const block = placeBlock(address)
    if (stopped || !access(address) || bans.has({ address }) || !hasPlace(link, block)) return link.close()
    greet(link, 'neighbour')
      .finally(() => greeted(link, block))
      .then(onSession)
      .catch((error) => failed(address, error))
  }

  return {
    get listening() {
      return listener?.endpoint
    },
    async start() {
      if (options.listen !== undefined) listener = await transport.listen(options.listen, accept)
    },
    async stop() {
      stopped = true
      for (const session of [...open]) session.close('leaving')
      await listener?.close()
    },
    async dial(address, purpose, expect) {
      if (!access(address)) throw new PacsrvError('peer', `${address} is shut out by allow and deny`)
      if (bans.has({ id: expect, address })) throw new PacsrvError('peer', `${address} is banned`)
      try {
        return await greet(await transport.dial(address, DIAL_TIME), purpose, expect)
      } catch (error) {
        failed(address, error)
        throw error
      }
    },
    closeBanned() {
      for (const session of [...open]) if (banned(session)) session.close('banned')
    },
  }
}
