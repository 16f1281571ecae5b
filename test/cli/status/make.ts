/** A status for tests of what is told of it. */
import { noCounts } from '../../../src/figures/counts.ts'
import type { Status } from '../../../src/http/status.ts'

export const GIB = 1024 ** 3
export const MIB = 1024 ** 2

export function makeStatus(more: Partial<Status> = {}): Status {
  return {
    node: { id: 'i', pid: 1, version: '1.2.3', listen: null, reachable: 'no' },
    peers: [],
    files: { count: 3, bytes: 2048 },
    asked: { count: 0, bytes: 0, given: 0, most: [] },
    transfers: [],
    transactions: [],
    dht: null,
    ways: [],
    troubles: [],
    days: [],
    totals: { fromPeers: 0, fromMirror: 0, uploaded: 0, rejected: 0, banned: 0 },
    problems: [],
    figures: { today: noCounts(), days30: noCounts(), ever: noCounts() },
    ...more,
  }
}

export const neighbours = (count: number): Status['peers'] =>
  Array.from({ length: count }, (_, n) => ({
    id: String(n).repeat(64),
    address: `10.0.0.${n}:8048`,
    direction: 'in',
    since: '2026',
    companion: true,
    name: null,
    distance: 'link',
    gave: 0,
    took: 0,
  }))

export const transfers = (...done: number[]): Status['transfers'] =>
  done.map((bytes, n) => ({ file: `p${n}`, size: 100 * MIB, done: bytes, sources: 2, rate: 0, from: [] }))

/** A transfer from these, as a daemon names them: `mirror`, or a peer. */
export const transferFrom = (...sources: string[]): Status['transfers'][number] => ({
  ...transfers(1)[0]!,
  sources: sources.length,
  from: sources.map((source) => ({
    source,
    kind: source === 'mirror' ? 'mirror' : 'site',
    bytes: 0,
    rate: 0,
  })),
})
