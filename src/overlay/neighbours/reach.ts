import type { Clock } from '../../base/clock.ts'
import { type Endpoint, hostPort, LOWEST_PORT } from '../../base/endpoint.ts'
import { createExpiringMap } from '../../base/expiring-map.ts'
import { createBucket, type Rate } from '../../base/token-bucket.ts'
import type { NodeId, Purpose } from '../../wire/messages.ts'
import type { Session } from '../session/session.ts'

/** Whether others can dial this node, as far as it knows. */
export type Reachable = 'yes' | 'no' | 'unknown'

/** A neighbour that can dial back has done so by then, in milliseconds. */
const DIAL_BACK_TIME = 6_000
/** How long a finding lasts, in milliseconds: a failure may be the neighbour's own. */
const LASTING = { yes: 30 * 60_000, no: 5 * 60_000 }
/** Addresses that this node is seen at. */
const MAX_ADDRESSES = 100
/** Neighbours that must have failed before "no", if there are so many. */
const WITNESSES = 2
/** Dials back that this node does for all its neighbours. */
const DIALS_BACK: Rate = { perSecond: 0.1, burst: 6 }

export interface ReachDeps {
  clock: Clock
  /** Neighbours that this node dialled. */
  neighbours(): Session[]
  dial(address: Endpoint, purpose: Purpose, expect: NodeId): Promise<Session>
  /** A session on which the other end may ask for files. */
  onTransfer(session: Session): void
}

/**
 * Finds out whether this node can be dialled, for each address that others see it at: a machine behind NAT can
 * be dialled on its LAN and not from outside. Whoever dials in has shown it; else neighbours are asked to.
 */
export interface ReachTest {
  /** Over all addresses: `no` where any is out of reach. */
  readonly state: Reachable
  /** At the address that this neighbour sees. */
  seenBy(session: Session): Reachable
  /** Asks a neighbour to dial back, unless that is known already. */
  ask(session: Session): void
  /** Somebody has dialled this node. */
  dialledBy(session: Session): void
  /** A neighbour wants to be dialled. */
  dialBack(session: Session): void
}

export function createReach(
  deps: ReachDeps,
  { listens, advertised }: { listens: boolean; advertised: boolean },
): ReachTest {
  const { clock } = deps
  const found = createExpiringMap<string, Reachable>(clock, { ttl: LASTING.yes, limit: MAX_ADDRESSES })
  /** Neighbours that were asked for each address and haven't dialled. */
  const failed = createExpiringMap<string, Set<NodeId>>(clock, { ttl: LASTING.no, limit: MAX_ADDRESSES })
  const asked = new Set<NodeId>()
  const dials = createBucket(clock, DIALS_BACK)
  const fixed: Reachable | undefined = !listens ? 'no' : advertised ? 'yes' : undefined

  const hostOf = ({ seenAs }: Session) => hostPort(seenAs).host

  function ask(session: Session) {
    const host = hostOf(session)
    if (fixed || found.get(host) || asked.has(session.id) || failed.get(host)?.has(session.id)) return
    asked.add(session.id)
    session.send({ type: 'dialBack' })
    clock.after(DIAL_BACK_TIME, () => {
      if (asked.delete(session.id)) fail(host, session.id)
    })
  }

  function fail(host: string, id: NodeId) {
    if (found.get(host)) return
    const witnesses = (failed.get(host) ?? new Set()).add(id)
    failed.set(host, witnesses)
    const next = deps.neighbours().find((other) => hostOf(other) === host && !witnesses.has(other.id))
    if (next && witnesses.size < WITNESSES) ask(next)
    else found.set(host, 'no', LASTING.no)
  }

  return {
    get state() {
      if (fixed) return fixed
      const states = [...found.entries()].map(([, state]) => state)
      return states.includes('no') ? 'no' : states.includes('yes') ? 'yes' : 'unknown'
    },
    seenBy: (session) => fixed ?? found.get(hostOf(session)) ?? 'unknown',
    ask,
    dialledBy(session) {
      asked.delete(session.id)
      found.set(hostOf(session), 'yes')
    },
    dialBack({ id, dialable, remote }) {
      if (dialable === undefined || hostPort(dialable).host !== hostPort(remote).host) return
      if (hostPort(dialable).port < LOWEST_PORT || !dials.take()) return
      // To the other end it is a transfer session like any, on which it may ask at once.
      deps.dial(dialable, 'transfer', id).then(deps.onTransfer, () => {})
    },
  }
}
