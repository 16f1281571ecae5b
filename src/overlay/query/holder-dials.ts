import type { Cancel, Clock } from '../../base/clock.ts'
import { type Endpoint, hostPort, LOWEST_PORT } from '../../base/endpoint.ts'
import { asError, PacsrvError } from '../../base/error.ts'
import { createExpiringMap } from '../../base/expiring-map.ts'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import { createBucket, type Rate } from '../../base/token-bucket.ts'
import type { Call, NodeId, Purpose } from '../../wire/messages.ts'
import type { Session } from '../session/session.ts'
import type { Holder } from './holders.ts'

/** A called holder dials within this time, in milliseconds, or is given up. */
export const CALL_TIME = 4_000
/** A dial that takes longer, in milliseconds, has a CALL sent after it: gateways drop without a word. */
const PATIENCE = 700
/** Holders called at the same time. */
const MAX_CALLED = 64
/** Dials that others make us do by CALL: a few a minute. */
const CALLED_DIALS: Rate = { perSecond: 0.1, burst: 6 }
/** Dials to where an answer said that a holder is. */
const HOLDER_DIALS: Rate = { perSecond: 2, burst: 60 }

/** A holder that could not be dialled is called at once for so long, in milliseconds. */
const UNDIALABLE_TTL = 10 * 60_000
/** Dials to where strangers say that somebody is: any address may stand in the DHT. */
const STRANGER_DIALS: Rate = { perSecond: 0.5, burst: 20 }
/** Where no node was is left alone for so long, in milliseconds. */
const NOBODY_TTL = 10 * 60_000

export interface HolderDialsDeps {
  clock: Clock
  random: Random
  log: Log
  dial(address: Endpoint, purpose: Purpose, expect?: NodeId): Promise<Session>
  /** Sends a CALL on its way. */
  call(call: Call): void
  self: NodeId
  /** False when nobody can dial this node: then there is no use in a CALL. */
  canBeDialled(): boolean
  /** A session on which the other end wants files. */
  onTransfer(session: Session): void
}

/**
 * How this node connects to a holder, and which nodes it dials because others say so: each within a budget of its own.
 */
export interface HolderDials {
  /** Dials the holder, or calls it where that can't be done. Rejects with PacsrvError `peer` or `wire`. */
  connect(holder: Holder): Promise<Session>
  /** Dials an address from a stranger: whoever proves to be there. Rejects with PacsrvError `peer` or `wire`. */
  knock(address: Endpoint): Promise<Session>
  /** An incoming transfer session: from a holder that was called, or from somebody who wants files. */
  incoming(session: Session): void
  /** A CALL for this node, which has checked out: dials the asker, once. */
  called(call: Call): void
}

export function createHolderDials(deps: HolderDialsDeps, { ttl }: { ttl: number }): HolderDials {
  const { clock, random, log, self } = deps
  const calledDials = createBucket(clock, CALLED_DIALS)
  const holderDials = createBucket(clock, HOLDER_DIALS)
  const undialable = createExpiringMap<NodeId, true>(clock, { ttl: UNDIALABLE_TTL, limit: 1_000 })
  const strangerDials = createBucket(clock, STRANGER_DIALS)
  const nobodyThere = createExpiringMap<Endpoint, true>(clock, { ttl: NOBODY_TTL, limit: 1_000 })
  const awaited = new Map<NodeId, (session: Session) => void>()

  const mayDial = (address: Endpoint) => hostPort(address).port >= LOWEST_PORT

  async function callFor({ id, way }: Holder): Promise<Session> {
    if (!deps.canBeDialled()) throw new PacsrvError('peer', `Neither ${id} nor this node can be dialled`)
    if (awaited.has(id) || awaited.size >= MAX_CALLED) {
      throw new PacsrvError('peer', `${id} is being called already, or too many others are`)
    }
    const { query, path } = way ?? { query: random.hex(16), path: [{ id }] }
    return new Promise((resolve, reject) => {
      const giveUp: Cancel = clock.after(CALL_TIME, () => {
        awaited.delete(id)
        reject(new PacsrvError('peer', `${id} was called and did not dial within ${CALL_TIME / 1000} s`))
      })
      awaited.set(id, (session) => {
        awaited.delete(id)
        giveUp()
        resolve(session)
      })
      deps.call({ type: 'call', query, ttl, path, asker: { id: self } })
    })
  }

  /** Dials, and calls once that has failed or is slow; what comes first is kept. */
  function dialOrCall(holder: Holder, address: Endpoint): Promise<Session> {
    const { id } = holder
    const dialled = deps.dial(address, 'transfer', id)
    const called = new Promise<Session>((resolve, reject) => {
      let sent = false
      const call = () => {
        if (!sent) callFor(holder).then(resolve, reject)
        sent = true
      }
      const slow = clock.after(PATIENCE, call)
      dialled.then(slow, (error) => {
        undialable.set(id, true)
        log.debug({ id, address, error: asError(error).message }, 'a holder could not be dialled')
        slow()
        call()
      })
    })
    const first = Promise.any([dialled, called])
    for (const one of [dialled, called]) {
      Promise.all([one, first]).then(
        ([session, kept]) => session !== kept && session.close('not needed'),
        () => {},
      )
    }
    return first.catch(({ errors }: AggregateError) => {
      throw errors[0]
    })
  }

  return {
    async connect(holder) {
      const { id, address, reachable } = holder
      const dialable = reachable && address !== undefined && !undialable.get(id) && mayDial(address)
      if (!dialable || !holderDials.take()) return callFor(holder)
      return dialOrCall(holder, address)
    },
    async knock(address) {
      if (!mayDial(address) || nobodyThere.get(address) || !strangerDials.take()) {
        throw new PacsrvError('peer', `${address} is not worth a dial now`)
      }
      try {
        return await deps.dial(address, 'transfer')
      } catch (error) {
        nobodyThere.set(address, true)
        throw error
      }
    },
    incoming(session) {
      const waiting = awaited.get(session.id)
      if (waiting) waiting(session)
      else deps.onTransfer(session)
    },
    called({ asker: { id, address } }) {
      if (address === undefined || !mayDial(address) || !calledDials.take()) return
      deps.dial(address, 'transfer', id).then(deps.onTransfer, (error) => {
        log.debug({ id, address, error: asError(error).message }, 'could not dial who called')
      })
    },
  }
}
