import { counted, humanSize } from '../../base/progress.ts'
import type { Counts } from '../../figures/counts.ts'
import type { Status } from '../../http/status.ts'

/** A status, and when it was had, in milliseconds by a clock that never goes back. */
export interface Sample {
  at: number
  status: Status
}

/** How fast packages come and go, in bytes a second. */
export interface Throughput {
  received: number
  given: number
}

/** Those that fetching suffers from most first; what isn't named here comes last. */
const WORST_FIRST: readonly Status['problems'][number]['code'][] = [
  'spool',
  'databases',
  'pacman-conf',
  'key',
  'cache',
  'state-dir',
  'config',
]

/** What is going on, in a sentence or two: the worst that is wrong, then what the node does. */
export function activity({ status, rates }: { status: Status; rates?: Throughput | undefined }): string[] {
  const { problems = [] } = status
  const worst = [...problems].sort((a, b) => rankOf(a) - rankOf(b))[0]
  const more = problems.length > 1 ? ` (${problems.length - 1} more below)` : ''
  return [...(worst ? [`Wrong: ${worst.problem}${more}`] : []), doing(status, rates)]
}

function rankOf({ code }: Pick<Status['problems'][number], 'code'>): number {
  const rank = WORST_FIRST.indexOf(code)
  return rank < 0 ? WORST_FIRST.length : rank
}

function doing({ transfers, peers, figures }: Status, rates: Throughput | undefined): string {
  if (transfers.length > 0) {
    const rate = rates ? ` at ${humanRate(rates.received)}` : ''
    return `Fetching ${counted(transfers.length, 'package')}${rate}${from(transfers)}.`
  }
  const gives = rates && rates.given >= 1 ? `Giving ${humanRate(rates.given)} to others` : 'Idle'
  const neighbours = peers.length === 0 ? 'No neighbours' : counted(peers.length, 'neighbour')
  const saved = figures && savedOf(figures.days30)
  return `${gives}. ${neighbours}.${saved ? ` ${humanSize(saved)} saved in 30 days.` : ''}`
}

/** A daemon that says who gives names each as often as there are files of it; another only how many there are. */
type Transfer = Status['transfers'][number] & { from?: { source: string; kind: string }[] }

function from(transfers: Transfer[]): string {
  if (transfers.every(({ sources }) => sources === 0)) return ', from nobody yet'
  const named = new Map<string, string>()
  for (const transfer of transfers) {
    if (!transfer.from)
      return ` from ${counted(Math.max(...transfers.map(({ sources }) => sources)), 'source')}`
    for (const { source, kind } of transfer.from) named.set(source, kind)
  }
  const mirrors = [...named.values()].filter((kind) => kind === 'mirror').length
  const peers = named.size - mirrors
  const all = [
    ...(peers > 0 ? [counted(peers, 'peer')] : []),
    ...(mirrors > 0 ? [mirrors === 1 ? 'the mirror' : `${mirrors} mirrors`] : []),
  ]
  return all.length > 0 ? ` from ${all.join(' and ')}` : ', from nobody yet'
}

/** Bytes of packages that no mirror had to send. */
export const savedOf = ({ fromSite, fromWorld }: Counts) => fromSite + fromWorld

/** What was saved: today, in 30 days, ever; and which share of what came that is. */
export function savedLines({ today, days30, ever }: Status['figures']): string[] {
  const sizes = [today, days30, ever].map((counts) => humanSize(savedOf(counts)))
  const all = savedOf(days30) + days30.fromMirror
  const share = (bytes: number) => `${Math.floor((bytes * 100) / all)} %`
  return [
    `${sizes[0]} today, ${sizes[1]} in 30 days, ${sizes[2]} ever: what no mirror had to send`,
    ...(all > 0
      ? [`in 30 days ${share(savedOf(days30))} of what came, ${share(days30.fromSite)} from this site`]
      : []),
  ]
}

/** By samples in their order; undefined where they don't tell: too few, or of more than one daemon. */
export function ratesOf(samples: readonly Sample[]): Throughput | undefined {
  const last = samples.at(-1)
  const own = samples.filter(({ status }) => status.node.pid === last?.status.node.pid)
  const first = own[0]
  if (!first || !last || last.at <= first.at) return undefined
  const perSecond = (count: (status: Status) => number) => {
    const steps = own.slice(1).map(({ status }, n) => count(status) - count(own[n]!.status))
    // A download that is given up takes back what had come of it.
    const grown = steps.reduce((sum, step) => sum + Math.max(0, step), 0)
    return (grown * 1000) / (last.at - first.at)
  }
  return {
    received: perSecond(({ totals, transfers }) =>
      transfers.reduce((sum, { done }) => sum + done, totals.fromPeers + totals.fromMirror),
    ),
    given: perSecond(({ totals }) => totals.uploaded),
  }
}

const humanRate = (rate: number) => `${humanSize(Math.round(rate))}/s`
