import type { Clock } from '../base/clock.ts'
import type { Problem, Problems } from '../base/problems.ts'
import type { Dht } from '../discovery/dht/dht.ts'
import type { Job, JobSource } from '../fetch/job/job.ts'
import type { Counts } from '../figures/counts.ts'
import type { Figures } from '../figures/figures.ts'
import type { DayCounts } from '../figures/ledger.ts'
import type { Tallies, Transaction, Trouble } from '../figures/tallies.ts'
import type { NeighbourInfo, Overlay } from '../overlay/overlay.ts'
import type { Catalogue } from '../pacman/catalogue.ts'
import { type WantedWays, type Way, waysOf } from './ways.ts'

/** What GET /status and `status --json` give. Others depend on these names (docs/architecture.md, rule 9); more may be added. */
export interface Status {
  node: {
    id: string
    pid: number
    version: string
    /** Where it takes connections; null when it takes none. */
    listen: string | null
    reachable: 'yes' | 'no' | 'unknown'
  }
  peers: Peer[]
  /** What it shares. */
  files: { count: number; bytes: number }
  /** What others asked for of it since the start: how many files, their bytes, bytes given of them, the first few by that. */
  asked: { count: number; bytes: number; given: number; most: { file: string; given: number }[] }
  transfers: Transfer[]
  /** What came since the start, the newest first. */
  transactions: (Omit<Transaction, 'began' | 'ended'> & { began: string; ended: string })[]
  /** Nodes in its table, packages announced, packets dropped; null where the DHT is off. */
  dht: { nodes: number; announced: number; dropped: number } | null
  /** How this node and others meet. */
  ways: Way[]
  /** Since the start: bytes, and how many chunks, lists or files were rejected and bans were laid. */
  totals: { fromPeers: number; fromMirror: number; uploaded: number; rejected: number; banned: number }
  /** The last that was rejected and who was banned, since the start, the newest first. `at` is an ISO date. */
  troubles: (Omit<Trouble, 'at' | 'who'> & { at: string; who: string | null })[]
  /** What is wrong with this node, by its own word, until it is right again. `since` is an ISO date. */
  problems: (Omit<Problem, 'since'> & { since: string })[]
  /** Over restarts: bytes by where from and where to, and counts; today, today and 29 days before, ever. */
  figures: { today: Counts; days30: Counts; ever: Counts }
  /** The last 30 days with something in them, oldest first. */
  days: readonly DayCounts[]
}

export interface Peer {
  id: string
  address: string
  direction: 'in' | 'out'
  /** An ISO date. */
  since: string
  companion: boolean
  /** What it calls its machine, where it says so; nobody has checked it. */
  name: string | null
  distance: NeighbourInfo['distance']
  /** Bytes since the start: what it gave, right or wrong, and what it took. */
  gave: number
  took: number
}

export interface Transfer {
  file: string
  size: number
  done: number
  sources: number
  /** Bytes a second, of all it comes from. */
  rate: number
  /** Of whom it comes, by what they gave: bytes, and bytes a second now. */
  from: { source: string; kind: JobSource['kind']; bytes: number; rate: number }[]
}

export interface StatusSources {
  overlay: Pick<Overlay, 'id' | 'listening' | 'reachable' | 'neighbours' | 'banned'>
  dht: Pick<Dht, 'status'> | undefined
  catalogue: Pick<Catalogue, 'count' | 'bytes' | 'find'>
  jobs(): Job[]
  figures: Pick<Figures, 'sinceStart' | 'sums' | 'days'>
  tallies: Pick<Tallies, 'trafficWith' | 'given' | 'transactions' | 'troubles'>
  problems: Pick<Problems, 'all'>
  /** What the configuration wants of the ways in, as of now. */
  wanted(): WantedWays
  nameOf(id: string): string | undefined
  version: string
  clock: Clock
}

/** Files that are named as those that others asked most for. */
const MOST_ASKED = 5
const DAYS = 30

export function statusOf(sources: StatusSources): Status {
  const { overlay, dht, catalogue, jobs, figures, tallies, problems, wanted, nameOf, version, clock } =
    sources
  const { fromSite, fromWorld, fromMirror, toSite, toWorld, rejected } = figures.sinceStart
  const date = (moment: number) => new Date(Date.now() - (clock.now() - moment)).toISOString()
  const peers = overlay.neighbours().map((peer) => ({
    ...peer,
    since: date(peer.since),
    name: nameOf(peer.id) ?? null,
    ...tallies.trafficWith(peer.id),
  }))
  const { reachable, listening: listen = null } = overlay
  const known = problems.all()
  const dhtNow = dht?.status() ?? null
  return {
    node: { id: overlay.id, pid: process.pid, version, listen, reachable },
    peers,
    files: { count: catalogue.count, bytes: catalogue.bytes },
    asked: askedOf(catalogue, tallies),
    transfers: jobs().map((job) => transferOf(job, nameOf)),
    transactions: tallies
      .transactions()
      .map((one) => ({ ...one, began: date(one.began), ended: date(one.ended) })),
    dht: dhtNow,
    ways: waysOf({ listen, reachable, peers, dht: dhtNow, problems: known, wanted: wanted() }),
    totals: {
      fromPeers: fromSite + fromWorld,
      fromMirror,
      uploaded: toSite + toWorld,
      rejected,
      banned: overlay.banned,
    },
    troubles: tallies.troubles().map((one) => ({ ...one, at: date(one.at), who: one.who ?? null })),
    problems: known.map((problem) => ({ ...problem, since: date(problem.since) })),
    figures: figures.sums(),
    days: figures.days(DAYS),
  }
}

/** What is no longer in the cache doesn't count. */
function askedOf(catalogue: StatusSources['catalogue'], { given }: Pick<Tallies, 'given'>): Status['asked'] {
  const files = [...given()].flatMap(([sha256, bytes]) => {
    const held = catalogue.find(sha256)
    return held ? [{ file: held.name, size: held.size, given: bytes }] : []
  })
  return {
    count: files.length,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    given: files.reduce((sum, file) => sum + file.given, 0),
    most: files
      .sort((a, b) => b.given - a.given)
      .slice(0, MOST_ASKED)
      .map(({ file, given }) => ({ file, given })),
  }
}

function transferOf(job: Job, nameOf: StatusSources['nameOf']): Transfer {
  const { file, done, sources } = job
  const from = job.from().map(({ label, id, kind, bytes, rate }) => ({
    source: (id && nameOf(id)) ?? label,
    kind,
    bytes,
    rate: Math.round(rate),
  }))
  const rate = from.reduce((sum, source) => sum + source.rate, 0)
  return { file: file.name, size: file.size, done, sources, rate, from }
}
