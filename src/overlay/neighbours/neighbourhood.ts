import type { Clock } from '../../base/clock.ts'
import type { Message, NodeId } from '../../wire/messages.ts'
import type { Session } from '../session/session.ts'
import { createRates, type MessageRates } from './message-rates.ts'
import { freshStays, type NeighbourInfo, type Standing, whoMakesRoom } from './standing.ts'

export interface NeighbourhoodHandler {
  onJoin(session: Session): void
  onLeave(session: Session): void
  /** One that has its place among neighbours, within what a neighbour may send. */
  onMessage(session: Session, message: Message): void
  /** A newcomer is turned away: the last chance to tell it something. */
  onFull(session: Session): void
}

/** All that is known of a neighbour. */
interface Neighbour extends Standing {
  session: Session
  rates: MessageRates
}

/** The sessions that queries travel: one for each node, no more than `max`, direct ones aside. */
export interface Neighbourhood {
  /** Takes the session in, or closes it; false when it was closed. */
  add(session: Session, direct: boolean): boolean
  get(id: NodeId): Session | undefined
  /** Whether the node is a neighbour by `[direct]`. */
  isDirect(id: NodeId): boolean
  /** It is a neighbour as any other from now on. */
  unmarkDirect(id: NodeId): void
  all(): Session[]
  readonly size: number
  infos(placeOf: (of: Session) => Pick<NeighbourInfo, 'companion' | 'distance'>): NeighbourInfo[]
}

export function createNeighbourhood(
  { clock, self }: { clock: Clock; self: NodeId },
  { max }: { max: number },
  handler: NeighbourhoodHandler,
): Neighbourhood {
  const members = new Map<NodeId, Neighbour>()
  const rates = createRates(clock)

  function hasRoom(block: string): boolean {
    if ([...members.values()].filter(({ direct }) => !direct).length < max) return true
    const goes = whoMakesRoom([...members.values()], block, clock.now())
    if (goes === undefined) return false
    members.get(goes)!.session.close('making room')
    remove(members.get(goes)!.session)
    return true
  }

  function remove(session: Session) {
    if (members.get(session.id)?.session !== session) return
    members.delete(session.id)
    handler.onLeave(session)
  }

  function refuse(session: Session, reason: string): false {
    session.handle({ onMessage() {}, onClose() {} })
    session.close(reason)
    return false
  }

  return {
    add(session, direct) {
      const { id, block, since } = session
      const kept = members.get(id)
      if (kept && !freshStays(self, kept.session, session)) {
        kept.direct ||= direct
        return refuse(session, 'duplicate')
      }
      if (!kept && !direct && !hasRoom(block)) {
        handler.onFull(session)
        return refuse(session, 'full')
      }
      const member: Neighbour = {
        id,
        block,
        session,
        direct: direct || kept?.direct === true,
        since,
        usefulAt: since,
        rates: rates.of(block),
      }
      members.set(id, member)
      kept?.session.close('duplicate')
      if (!kept) handler.onJoin(session)
      session.handle({
        admits: member.rates.allow,
        onMessage(message) {
          member.usefulAt = clock.now()
          handler.onMessage(session, message)
        },
        onClose: () => remove(session),
      })
      return true
    },
    get: (id) => members.get(id)?.session,
    isDirect: (id) => members.get(id)?.direct === true,
    unmarkDirect(id) {
      const member = members.get(id)
      if (member) member.direct = false
    },
    all: () => [...members.values()].map(({ session }) => session),
    get size() {
      return members.size
    },
    infos: (placeOf) =>
      [...members.values()].map(({ id, session }) => ({
        id,
        address: session.dialable ?? session.remote,
        direction: session.outbound ? 'out' : 'in',
        since: session.since,
        ...placeOf(session),
      })),
  }
}
