import { isOfUse, reachOf } from '../../base/address.ts'
import type { Clock } from '../../base/clock.ts'
import type { Endpoint, HostPort } from '../../base/endpoint.ts'
import type { Log } from '../../base/log.ts'
import type { Problems } from '../../base/problems.ts'
import type { Random } from '../../base/random.ts'
import { createBucket, type Rate } from '../../base/token-bucket.ts'
import type { Hop, NodeId } from '../../wire/messages.ts'
import type { Session } from '../session/session.ts'
import { createBook, type Source } from './book.ts'
import type { Connections } from './connections.ts'
import { createDirect, type Direct } from './direct.ts'
import { createKeeper } from './keeper.ts'
import type { Neighbourhood } from './neighbourhood.ts'
import type { Site } from './site.ts'

/** Which addresses are dialled for neighbours: addresses that were heard of, and the machines of `[direct]`. */
export interface Dialling {
  start(): void
  stop(): void
  /** The machines of `[direct]` from now on. One that is left out stays connected, as any other. */
  setDirect(servers: HostPort[]): void
  /** A neighbour has left. */
  left(session: Session): void
  learn(addresses: Endpoint[], source: Source): void
  /** A node of the LAN, by what was said there. */
  meet(address: Endpoint, id: NodeId): void
  /** A neighbour has told of others: of this site, perhaps. */
  told(nodes: Hop[], by: Session): void
}

export interface DiallingDeps {
  clock: Clock
  random: Random
  log: Log
  problems: Problems
  connections: Pick<Connections, 'dial'>
  neighbours: Neighbourhood
  /** The numeric addresses of a host by name. */
  resolve(host: string): Promise<string[]>
  isToMeet: Site['isToMeet']
  /** Too few neighbours, and too few addresses to do something about it. */
  onShort(): void
}

/** A neighbour that parts sooner than this, in milliseconds, has turned us away. */
const SHORT_STAY = 10_000
/** Addresses of the LAN that others told of: an office of 50, and no more than that to dial for a liar. */
const TOLD: Rate = { perSecond: 1 / 3, burst: 64 }

export function createDialling(
  { clock, random, log, problems, connections, neighbours, resolve, isToMeet, onShort }: DiallingDeps,
  { min, max, direct }: { min: number; max: number; direct: HostPort[] },
): Dialling {
  const book = createBook({ clock, random })
  const newcomers = createBucket(clock, TOLD)
  const keeper = createKeeper(
    { clock, random, log, book, neighbours, dial: (address) => dial(address, false), onShort },
    { min, max },
  )
  const toward = (server: HostPort) =>
    createDirect(
      {
        clock,
        random,
        log,
        problems,
        resolve,
        dial: (address) => dial(address, true),
        isConnected: (id) => neighbours.get(id) !== undefined,
      },
      server,
    )
  let directs = direct.map(toward)

  async function dial(address: Endpoint, isDirect: boolean): Promise<NodeId> {
    const session = await connections.dial(address, 'neighbour')
    neighbours.add(session, isDirect)
    return session.id
  }

  return {
    start() {
      for (const one of directs) one.start()
      keeper.start()
    },
    stop() {
      keeper.stop()
      for (const one of directs) one.stop()
    },
    setDirect(servers) {
      const wanted = servers.map(toward)
      const isWanted = (one: Direct) => wanted.some(({ name }) => name === one.name)
      const gone = directs.filter((one) => !isWanted(one))
      const kept = directs.filter(isWanted)
      const fresh = wanted.filter(({ name }) => kept.every((one) => one.name !== name))
      directs = [...kept, ...fresh]
      for (const one of gone) one.drop()
      for (const { id } of gone) {
        if (id !== undefined && kept.every((one) => one.id !== id)) neighbours.unmarkDirect(id)
      }
      for (const one of fresh) one.start()
    },
    left({ id, remote, outbound, since, parted }) {
      if (outbound && !parted) book.lost(remote)
      else if (outbound && clock.now() - since < SHORT_STAY) book.failed(remote)
      for (const one of directs) one.left(id)
      keeper.look()
    },
    learn(addresses, source) {
      for (const address of addresses) book.add(address, source)
      keeper.look()
    },
    meet(address, id) {
      book.add(address, 'lan', id)
      keeper.look()
    },
    told(nodes, by) {
      for (const { id, address } of nodes) {
        // Nobody further away sends this node to its own wire or to itself.
        if (address === undefined || !isOfUse(reachOf(address), reachOf(by.remote))) continue
        if (!isToMeet(address, by)) book.add(address, 'stranger')
        else if (book.idAt(address) === undefined && newcomers.take()) book.add(address, 'lan', id)
      }
      keeper.look()
    },
  }
}
