import type { Clock } from '../base/clock.ts'
import type { Problem, Problems } from '../base/problems.ts'
import type { Dht } from '../discovery/dht/dht.ts'
import type { Job } from '../fetch/job/job.ts'
import type { Counts } from '../figures/counts.ts'
import type { Figures } from '../figures/figures.ts'
import type { Overlay } from '../overlay/overlay.ts'
import type { Catalogue } from '../pacman/catalogue.ts'

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
  /** `since` is an ISO date. */
  peers: { id: string; address: string; direction: 'in' | 'out'; since: string; companion: boolean }[]
  /** What it shares. */
  files: { count: number; bytes: number }
  transfers: { file: string; size: number; done: number; sources: number }[]
  /** Nodes in its table, packages announced, packets dropped; null where the DHT is off. */
  dht: { nodes: number; announced: number; dropped: number } | null
  /** Since the start: bytes, and how many chunks, lists or files were rejected and bans were laid. */
  totals: { fromPeers: number; fromMirror: number; uploaded: number; rejected: number; banned: number }
  /** What is wrong with this node, by its own word, until it is right again. `since` is an ISO date. */
  problems: (Omit<Problem, 'since'> & { since: string })[]
  /** Over restarts: bytes by where from and where to, and counts; today, today and 29 days before, ever. */
  figures: { today: Counts; days30: Counts; ever: Counts }
}

export interface StatusSources {
  overlay: Pick<Overlay, 'id' | 'listening' | 'reachable' | 'neighbours' | 'banned'>
  dht: Pick<Dht, 'status'> | undefined
  catalogue: Pick<Catalogue, 'count' | 'bytes'>
  jobs(): Job[]
  figures: Pick<Figures, 'sinceStart' | 'sums'>
  problems: Pick<Problems, 'all'>
  version: string
  clock: Clock
}

export function statusOf({
  overlay,
  dht,
  catalogue,
  jobs,
  figures,
  problems,
  version,
  clock,
}: StatusSources): Status {
  const { fromSite, fromWorld, fromMirror, toSite, toWorld, rejected } = figures.sinceStart
  const date = (moment: number) => new Date(Date.now() - (clock.now() - moment)).toISOString()
  return {
    node: {
      id: overlay.id,
      pid: process.pid,
      version,
      listen: overlay.listening ?? null,
      reachable: overlay.reachable,
    },
    peers: overlay.neighbours().map((peer) => ({ ...peer, since: date(peer.since) })),
    files: { count: catalogue.count, bytes: catalogue.bytes },
    transfers: jobs().map(({ file, done, sources }) => ({ file: file.name, size: file.size, done, sources })),
    dht: dht?.status() ?? null,
    totals: {
      fromPeers: fromSite + fromWorld,
      fromMirror,
      uploaded: toSite + toWorld,
      rejected,
      banned: overlay.banned,
    },
    problems: problems.all().map((problem) => ({ ...problem, since: date(problem.since) })),
    figures: figures.sums(),
  }
}
