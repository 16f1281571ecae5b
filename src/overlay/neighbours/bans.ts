import { addressBlock, reachOf } from '../../base/address.ts'
import type { Clock } from '../../base/clock.ts'
import type { Endpoint } from '../../base/endpoint.ts'
import { createExpiringMap } from '../../base/expiring-map.ts'
import type { NodeId } from '../../wire/messages.ts'

/** Longest ban, in milliseconds. */
const MAX_BAN = 24 * 3_600_000
const HOUR = 3_600_000
const MAX_BANS = 10_000

export interface Bans {
  add(who: { id?: NodeId | undefined; address?: Endpoint | undefined }, ms?: number): void
  has(who: { id?: NodeId | undefined; address?: Endpoint | undefined }): boolean
  /** Bans laid since the start. */
  readonly count: number
}

/**
 * Nodes that are shut out, by id and by address, for an hour unless told otherwise. A new node id costs nothing, so the
 * address counts too, an IPv6 /64 as one; but only in the world: loopback and private addresses are the user's own
 * machines, where one bad disk must not shut out the others, and a liar is within reach.
 */
export function createBans(clock: Clock): Bans {
  const ends = createExpiringMap<string, true>(clock, { ttl: MAX_BAN, limit: MAX_BANS })
  let count = 0

  const blockOf = (address: Endpoint | undefined) =>
    address !== undefined && reachOf(address) === 'world' ? addressBlock(address) : undefined

  return {
    add({ id, address }, ms = HOUR) {
      const block = blockOf(address)
      if (id !== undefined) ends.set(id, true, ms)
      if (block !== undefined) ends.set(block, true, ms)
      if (id !== undefined || block !== undefined) count++
    },
    has({ id, address }) {
      const block = blockOf(address)
      return (id !== undefined && ends.get(id) === true) || (block !== undefined && ends.get(block) === true)
    },
    get count() {
      return count
    },
  }
}
