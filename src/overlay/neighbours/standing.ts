import type { Endpoint } from '../../base/endpoint.ts'
import { countBy, whoGivesUp } from '../../base/places.ts'
import type { NodeId } from '../../wire/messages.ts'
import type { Session } from '../session/session.ts'

export type Distance = 'link' | 'site' | 'world'

/** A connected node, as `status` shows it. */
export interface NeighbourInfo {
  id: NodeId
  /** Where it can be dialled, or else the connection's other end. */
  address: Endpoint
  direction: 'in' | 'out'
  /** By the clock handed in. */
  since: number
  /** Whether it is of this site (overlay.isCompanion). */
  companion: boolean
  /** How far its connection goes: to one of this machine's links, elsewhere in private networks, or beyond. */
  distance: Distance
}

/** A neighbour, as far as the policy looks at it. */
export interface Standing {
  id: NodeId
  /** What its places are counted by (addressBlock). */
  block: string
  /** Named in the configuration: kept whatever comes. */
  direct: boolean
  since: number
  /** When it last answered, announced or asked anything. */
  usefulAt: number
}

/** Connections this close together, in milliseconds, are a crossing; one later is a new start. */
const CROSSING = 10_000
/** A neighbour is idle after this long without use, in milliseconds. */
const IDLE = 10 * 60_000

/**
 * Two connections to one node: whether the fresh one is to stay. Both ends come to the same answer, so that
 * they never close one each. Of two that crossed, the one dialled by the lower id stays; a much later one
 * means that the other end no longer has the first.
 */
export function freshStays(
  self: NodeId,
  kept: Pick<Session, 'id' | 'outbound' | 'since' | 'tag'>,
  fresh: Pick<Session, 'outbound' | 'since' | 'tag'>,
): boolean {
  if (fresh.since - kept.since > CROSSING) return true
  if (kept.outbound !== fresh.outbound) return fresh.outbound === self < kept.id
  return fresh.tag < kept.tag
}

/**
 * Who goes when a newcomer finds the house full: the one idle longest; else the youngest of the address that has the
 * most places, if it has clearly more than the newcomer's; undefined when nobody does.
 */
export function whoMakesRoom(neighbours: Standing[], newcomer: string, now: number): NodeId | undefined {
  const guests = neighbours.filter(({ direct }) => !direct)
  const idle = guests.filter(({ since, usefulAt }) => now - Math.max(since, usefulAt) > IDLE)
  if (idle.length > 0) return idle.sort((a, b) => a.usefulAt - b.usefulAt)[0]!.id
  const most = whoGivesUp(
    countBy(guests, ({ block }) => block),
    newcomer,
  )
  return guests.filter(({ block }) => block === most).sort((a, b) => b.since - a.since)[0]?.id
}
