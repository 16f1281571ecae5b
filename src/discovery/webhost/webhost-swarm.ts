import { isIPv4 } from 'node:net'
import { reachOf } from '../../base/address.ts'
import type { Clock } from '../../base/clock.ts'
import { type Endpoint, endpoint, hostPort } from '../../base/endpoint.ts'
import { PacsrvError } from '../../base/error.ts'
import type { Random } from '../../base/random.ts'
import { encodeAnswer, encodeFailure, type ListedNode } from './webhost-answer.ts'
import { createDialBacks, type DialsBack } from './webhost-dialback.ts'
import { type AnnounceQuery, INFO_HASH, parseQuery } from './webhost-query.ts'
import { createRegistry } from './webhost-registry.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND

/** Seconds, told in every answer. */
export const PACE = { interval: 900, minInterval: 60 }
/** A node that misses two announces and is late with the third is gone. */
export const EXPIRY = 2.5 * PACE.interval * SECOND
/** An address that was found good isn't dialled again for so long. */
const RECHECK = 10 * MINUTE

const DIAL_BACK = {
  atOnce: 8,
  waiting: 64,
  perBlock: 8,
  window: 15 * MINUTE,
  blocks: 20_000,
  timeout: 5 * SECOND,
}

export interface SwarmOptions {
  /** The network, by all its names (pacsrv's open one). */
  infoHashes?: string[]
  /** Nodes in total (10,000). */
  capacity?: number
  /** Nodes at one IPv4 address or in one IPv6 /64 (8). */
  perBlock?: number
}

/** The logic of the webhost: what it answers to whom. The server around it only speaks HTTP. */
export interface Swarm {
  readonly size: number
  /**
   * Answers one announce, bencoded. `host` is where the connection comes from; the asker is put on the list
   * with it unless `list` is false. `search` is the query part of the URL.
   */
  announce(host: string, search: string, list: boolean): Buffer
}

/**
 * A newcomer is dialled at once and told to others meanwhile, so that nodes that start together meet; it is
 * struck off when it doesn't answer. Who can't be dialled now, because that would be one too many, isn't
 * listed, but is told of others all the same.
 *
 * Who sees whom: a node is told only of addresses that reach at least as far as its own (isOfUse). So a node
 * on the webhost's machine or in its site is listed, for tests and offices, and never told to the world. An
 * IPv6 link-local address is never listed: it means nothing without the zone, which no answer has room for.
 */
export function createSwarm(
  { clock, random, dialBack }: { clock: Clock; random: Random; dialBack: DialsBack },
  { infoHashes = [INFO_HASH], capacity = 10_000, perBlock = 8 }: SwarmOptions = {},
): Swarm {
  const registry = createRegistry({ random }, { capacity, perBlock, expiry: EXPIRY })
  const dialBacks = createDialBacks({ clock, dialBack }, DIAL_BACK)

  function admit(node: ListedNode) {
    const now = clock.now()
    const entry = registry.hear(node, now)
    if (!entry || now - (entry.dialledAt ?? -Infinity) < RECHECK) return
    const dialling = dialBacks.dial(node.endpoint, (reachable) => {
      if (!reachable) registry.forget(node.endpoint)
    })
    if (dialling) entry.dialledAt = now
    else if (entry.dialledAt === undefined) registry.forget(node.endpoint)
  }

  function answer(asker: ListedNode, { event, wanted, compact }: AnnounceQuery, list: boolean): Buffer {
    if (event === 'stopped') {
      registry.forget(asker.endpoint)
      return encodeAnswer(PACE, [], compact)
    }
    const others = registry.choose(asker, wanted, clock.now())
    if (list && canBeTold(asker.endpoint)) admit(asker)
    return encodeAnswer(PACE, others, compact)
  }

  return {
    get size() {
      return registry.size
    },
    announce(host, search, list) {
      try {
        const query = parseQuery(search)
        if (!infoHashes.includes(query.infoHash)) {
          throw new PacsrvError('wire', 'this webhost serves another network, or none of pacsrv')
        }
        const from = endpoint(host, query.port)
        if (from === undefined) throw new PacsrvError('wire', 'no address to answer to')
        return answer({ endpoint: from, peerId: query.peerId }, query, list)
      } catch (problem) {
        if (!(problem instanceof PacsrvError)) throw problem
        return encodeFailure(problem.message)
      }
    },
  }
}

/** An IPv6 address of one wire only is no use without its zone, and an answer has no room for that. */
function canBeTold(of: Endpoint): boolean {
  return reachOf(of) !== 'link' || isIPv4(hostPort(of).host)
}
