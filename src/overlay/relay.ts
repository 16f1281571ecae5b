import { reachOf } from '../base/address.ts'
import type { Clock } from '../base/clock.ts'
import { limits } from '../wire/limits.ts'
import type {
  Call,
  FileAck,
  FileQuery,
  HeldFile,
  Hop,
  Message,
  NodeId,
  QueryId,
  Sha256,
} from '../wire/messages.ts'
import { createExpiringMap } from './expiring.ts'
import { decideFlood, signedBy } from './flood.ts'
import { type Route, routeBack } from './routes.ts'
import type { Session } from './session.ts'

/** Queries are remembered this long, in milliseconds: far longer than any is under way. */
const SEEN_TTL = 60_000
const MAX_SEEN = 20_000
/** A holder may be called for a file of a large transaction this long after it answered, in milliseconds. */
const CALL_TTL = 15 * 60_000

/** What this node can vouch for. */
export interface Holdings {
  find(sha256: Sha256): HeldFile | undefined
}

export interface RelayDeps {
  clock: Clock
  self: NodeId
  holdings: Holdings
  neighbours: { get(id: NodeId): Session | undefined; all(): Session[] }
  /** Whether this node believes that who hears of it through `session` can dial it. */
  isReachable(session: Session): boolean
  /** A FILE-ACK for this node's own query. */
  onAnswer(ack: FileAck): void
  /** A CALL for this node, from a neighbour or from somebody whose query it answered. */
  onCall(call: Call): void
}

/** What passes through: queries outwards, answers and calls back. The caller has checked the rates. */
export interface Relay {
  /** Sends a query of our own to every neighbour; how many that were. */
  ask(query: Omit<FileQuery, 'path'>): number
  onFile(query: FileQuery, from: Session): void
  onFileAck(ack: FileAck, from: Session): void
  onCall(call: Call, from: Session): void
  /** Sends a CALL of our own on its way. */
  call(call: Call): void
}

/** The other end of a session as others are told of it: a link-local address means nothing to them. */
export function hopOf({ id, dialable }: Session): Hop {
  return dialable === undefined || reachOf(dialable) === 'link' ? { id } : { id, address: dialable }
}

export function createRelay(deps: RelayDeps, { ttl: fullTtl }: { ttl: number }): Relay {
  const { clock, self, holdings, neighbours } = deps
  /** Highest TTL that a query has come with. */
  const seen = createExpiringMap<string, number>(clock, { ttl: SEEN_TTL, limit: MAX_SEEN })
  /** Strays that have passed here, by query and whom they tell of. */
  const strays = createExpiringMap<string, true>(clock, { ttl: SEEN_TTL, limit: MAX_SEEN })
  /** Whose queries this node has answered: only they may call it. */
  const answered = createExpiringMap<QueryId, NodeId>(clock, { ttl: CALL_TTL, limit: MAX_SEEN })
  const isNeighbour = (id: NodeId) => neighbours.get(id) !== undefined

  function sendToAll(message: Message, except: (id: NodeId) => boolean): number {
    const others = neighbours.all().filter(({ id }) => !except(id))
    for (const session of others) session.send(message)
    return others.length
  }

  function answer(query: FileQuery, path: Hop[], from: Session) {
    const held = query.files.map(({ sha256, size }) => {
      const file = holdings.find(sha256)
      return file?.size === size ? file : undefined
    })
    const files = held.filter((file) => file !== undefined)
    if (files.length === 0) return
    answered.set(query.query, path[0]!.id)
    const reachable = deps.isReachable(from)
    from.send({
      type: 'fileAck',
      query: query.query,
      ttl: fullTtl,
      path,
      way: [{ id: self }],
      reachable,
      files,
    })
  }

  /** `from` is undefined for a message of our own. */
  function sendBack<M extends FileAck | Call>(message: M, route: Route, about: NodeId, from?: Session) {
    if (route.kind === 'arrived') return
    if (route.kind === 'next') {
      neighbours.get(route.to)!.send({ ...message, ttl: fullTtl, path: route.path })
      return
    }
    const key = `${message.type} ${message.query} ${about}`
    const ttl = route.onPath || !from ? fullTtl : message.ttl - 1
    if (ttl < 1 || strays.get(key)) return
    strays.set(key, true)
    sendToAll({ ...message, ttl, path: route.path }, (id) => id === from?.id)
  }

  return {
    ask: (query) => sendToAll({ ...query, path: [{ id: self }] }, () => false),

    onFile(query, from) {
      const path = signedBy(query.path, hopOf(from))
      const decision = decideFlood(self, { path, ttl: query.ttl }, seen.get(query.query))
      if (decision === 'drop') return
      seen.set(query.query, query.ttl)
      if (decision.answer) answer(query, path, from)
      if (!decision.forward) return
      const passed = new Set(path.map(({ id }) => id))
      sendToAll({ ...query, ttl: query.ttl - 1, path: [...path, { id: self }] }, (id) => passed.has(id))
    },

    onFileAck(ack, from) {
      if (ack.path.length === 0 || ack.way.length === 0 || ack.way.length >= limits.hops) return
      const way = signedBy(ack.way, hopOf(from))
      const route = routeBack(self, ack.path, isNeighbour)
      if (route.kind === 'arrived') deps.onAnswer({ ...ack, way })
      else sendBack({ ...ack, way: [...way, { id: self }] }, route, way[0]!.id, from)
    },

    onCall(call, from) {
      if (call.path.length === 0) return
      const isAsker = call.asker.id === from.id
      const asker = isAsker ? hopOf(from) : call.asker
      const route = routeBack(self, call.path, isNeighbour)
      const invited = isAsker || answered.get(call.query) === asker.id
      if (route.kind === 'arrived') {
        if (invited) deps.onCall({ ...call, asker })
      } else sendBack({ ...call, asker }, route, asker.id, from)
    },

    call: (call) => sendBack(call, routeBack(self, call.path, isNeighbour), self),
  }
}
