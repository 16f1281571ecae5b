import type { Clock } from '../../base/clock.ts'
import { createExpiringMap } from '../../base/expiring-map.ts'
import { limits } from '../../wire/limits.ts'
import type { Call, FileAck, FileQuery, HeldFile, NodeId, QueryId, Sha256 } from '../../wire/messages.ts'
import { messageBytes } from '../../wire/size.ts'
import type { Session } from '../session/session.ts'
import { decideFlood, signedBy } from './flood.ts'
import { createOwedQueries } from './owed-queries.ts'
import type { RelayBudget } from './relay-budget.ts'
import { type Route, routeBack } from './routes.ts'

/** Queries are remembered this long, in milliseconds: far longer than any is under way. */
const SEEN_TTL = 20_000
const MAX_SEEN = 20_000
/** Hex digits of an id by which a query names who else has it. */
const TOLD_DIGITS = 16
/** How long a better copy of a query waits before it is passed on again, in milliseconds. */
const LATER = 60
/** Companions that a ring of this node's own goes to, but for the first: they are each other's neighbours. */
const COMPANIONS_ASKED = 8
/** A holder may be called for a file of a large transaction this long after it answered, in milliseconds. */
const CALL_TTL = 15 * 60_000

/** What this node can vouch for, or is downloading. */
export interface Holdings {
  /** `companion`: whether a companion of this node asks, who may be told of a download that has nothing to give yet. */
  find(sha256: Sha256, companion: boolean): HeldFile | undefined
}

export interface RelayDeps {
  clock: Clock
  self: NodeId
  holdings: Holdings
  neighbours: { get(id: NodeId): Session | undefined; all(): Session[] }
  /** Whether this node believes that who hears of it through `session` can dial it. */
  isReachable(session: Session): boolean
  isCompanion(session: Session): boolean
  budget: RelayBudget
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

/** What a node remembers of a query: never its files, or strangers would fill the memory. */
interface SeenQuery {
  /** Of the copy that may travel furthest. */
  ttl: number
  /** For each neighbour, the highest TTL that it has surely had the query with. */
  had: Map<NodeId, number>
  /** A better copy that waits to be passed on, and who brought it. */
  waiting?: { query: FileQuery; from: Session } | undefined
}

/** The same, begun at another place. */
function rotated<T>(list: T[], by: number): T[] {
  const first = by % Math.max(1, list.length)
  return [...list.slice(first), ...list.slice(0, first)]
}

export function createRelay(deps: RelayDeps, { ttl: fullTtl }: { ttl: number }): Relay {
  const { clock, self, holdings, neighbours } = deps
  const seen = createExpiringMap<QueryId, SeenQuery>(clock, { ttl: SEEN_TTL, limit: MAX_SEEN })
  /** Who brought it has not paid for all that should have it: whoever brings it again pays for some more. */
  const owed = createOwedQueries()
  /** Strays that have passed here, by query and whom they tell of. */
  const strays = createExpiringMap<string, true>(clock, { ttl: SEEN_TTL, limit: MAX_SEEN })
  /** Whose queries this node has answered: only they may call it. */
  const answered = createExpiringMap<QueryId, NodeId>(clock, { ttl: CALL_TTL, limit: MAX_SEEN })
  const isNeighbour = (id: NodeId) => neighbours.get(id) !== undefined
  /** With whom the next message begins that not all may have. */
  let turn = 0

  /** Companions are mostly each other's neighbours: each is told which need no copy, or all would send it to all. */
  function spread(query: FileQuery, to: Session[], spared: Iterable<Session> = []) {
    const companions = new Set(to.filter(deps.isCompanion))
    const told = [...companions, ...spared].slice(0, limits.told).map(({ id }) => id.slice(0, TOLD_DIGITS))
    const telling = companions.size > 1 ? { ...query, told } : query
    for (const session of to) session.send(companions.has(session) ? telling : query)
  }

  function noteHad({ had }: SeenQuery, id: NodeId, ttl: number) {
    if (ttl > (had.get(id) ?? 0)) had.set(id, ttl)
  }

  function noteTold(record: SeenQuery, told: Set<string>) {
    for (const { id } of neighbours.all()) {
      if (told.has(id.slice(0, TOLD_DIGITS))) noteHad(record, id, record.ttl)
    }
  }

  /** As many of them as may have a copy of what `from` sent; others each time. */
  function within(to: Session[], message: FileQuery | FileAck | Call, from: Session): Session[] {
    const count = deps.budget.copies(from, messageBytes(message), to.length)
    if (count === to.length) return to
    return rotated(to, turn++).slice(0, count)
  }

  /** To every neighbour that isn't on the list and hasn't had the query with as high a TTL, as far as `payer` pays. */
  function passOn({ had }: SeenQuery, query: FileQuery, payer: Session) {
    const ttl = query.ttl - 1
    const passed = new Set(query.path.map(({ id }) => id))
    const copy = { ...query, ttl, path: [...query.path, { id: self }] }
    const all = neighbours.all().filter(({ id }) => !passed.has(id) && (had.get(id) ?? 0) < ttl)
    const to = within(all, copy, payer)
    if (to.length < all.length) owed.set(query)
    else owed.delete(query.query)
    for (const { id } of to) had.set(id, ttl)
    spread(copy, to)
  }

  function passOnLater(record: SeenQuery, query: FileQuery, from: Session) {
    const isWaiting = record.waiting !== undefined
    record.waiting = { query, from }
    if (isWaiting) return
    clock.after(LATER, () => {
      const { waiting } = record
      record.waiting = undefined
      if (waiting) passOn(record, waiting.query, waiting.from)
    })
  }

  function answer({ query, ttl, path, files: asked }: FileQuery, from: Session) {
    const byCompanion = path.length === 1 && deps.isCompanion(from)
    // Of downloads that go on it has heard by the first ring, and hears by ANNOUNCE.
    const wholeOnly = byCompanion && ttl > 1
    const held = asked.map(({ sha256, size }) => {
      const file = holdings.find(sha256, byCompanion)
      return file?.size === size && (file.whole || !wholeOnly) ? file : undefined
    })
    const files = held.filter((file) => file !== undefined)
    if (files.length === 0) return
    answered.set(query, path[0]!.id)
    const reachable = deps.isReachable(from)
    from.send({ type: 'fileAck', query, ttl: fullTtl, path, way: [{ id: self }], reachable, files })
  }

  /** `from` is undefined for a message of our own. */
  function sendBack<M extends FileAck | Call>(message: M, route: Route, about: NodeId, from?: Session) {
    if (route.kind === 'arrived') return
    if (route.kind === 'next') {
      const next = { ...message, ttl: fullTtl, path: route.path }
      const to = [neighbours.get(route.to)!]
      for (const session of from ? within(to, next, from) : to) session.send(next)
      return
    }
    const key = `${message.type} ${message.query} ${about}`
    const ttl = route.onPath || !from ? fullTtl : message.ttl - 1
    if (ttl < 1 || strays.get(key)) return
    strays.set(key, true)
    const stray = { ...message, ttl, path: route.path }
    const to = neighbours.all().filter(({ id }) => id !== from?.id)
    for (const session of from ? within(to, stray, from) : to) session.send(stray)
  }

  return {
    ask(query) {
      const all = neighbours.all()
      const companions = query.ttl > 1 ? all.filter(deps.isCompanion) : []
      const spared = new Set(rotated(companions, COMPANIONS_ASKED * turn++).slice(COMPANIONS_ASKED))
      const to = all.filter((session) => !spared.has(session))
      spread({ ...query, path: [{ id: self }] }, to, spared)
      return to.length
    },

    onFile({ told = [], ...message }, from) {
      if (message.path.length === 0) return
      const query = { ...message, path: signedBy(message.path, from.hop) }
      const known = seen.get(query.query)
      const decision = decideFlood(self, query, known?.ttl)
      if (known) noteHad(known, from.id, query.ttl + 1)
      if (decision === 'drop') {
        const rest = owed.get(query.query)
        if (known && rest) passOn(known, rest, from)
        return
      }
      const record: SeenQuery = known ?? { ttl: query.ttl, had: new Map([[from.id, query.ttl + 1]]) }
      record.ttl = query.ttl
      // A stranger could keep it from those that it names.
      if (told.length > 0 && deps.isCompanion(from)) noteTold(record, new Set(told))
      if (!known) seen.set(query.query, record)
      if (decision.answer) answer(query, from)
      if (decision.forward === 'now') passOn(record, query, from)
      else if (decision.forward === 'later') passOnLater(record, query, from)
    },

    onFileAck(ack, from) {
      if (ack.path.length === 0 || ack.way.length === 0 || ack.way.length >= limits.hops) return
      const way = signedBy(ack.way, from.hop)
      const route = routeBack(self, ack.path, isNeighbour)
      if (route.kind === 'arrived') deps.onAnswer({ ...ack, way })
      else sendBack({ ...ack, way: [...way, { id: self }] }, route, way[0]!.id, from)
    },

    onCall(call, from) {
      if (call.path.length === 0) return
      const isAsker = call.asker.id === from.id
      const asker = isAsker ? from.hop : call.asker
      const route = routeBack(self, call.path, isNeighbour)
      const invited = isAsker || answered.get(call.query) === asker.id
      if (route.kind === 'arrived') {
        if (invited) deps.onCall({ ...call, asker })
      } else sendBack({ ...call, asker }, route, asker.id, from)
    },

    call: (call) => sendBack(call, routeBack(self, call.path, isNeighbour), self),
  }
}
