/** What is counted: bytes, and how often. */
export const COUNTED = [
  /** Bytes of packages from companions: they cost nobody an internet line. */
  'fromSite',
  /** … from other peers. */
  'fromWorld',
  'fromMirror',
  /** Bytes given to companions, and to others. */
  'toSite',
  'toWorld',
  /** Packages that came whole and right. */
  'packages',
  /** Chunks, chunk lists and files that were wrong. */
  'rejected',
] as const

export type Counts = Record<(typeof COUNTED)[number], number>

export const noCounts = (): Counts => ({
  fromSite: 0,
  fromWorld: 0,
  fromMirror: 0,
  toSite: 0,
  toWorld: 0,
  packages: 0,
  rejected: 0,
})

export function addCounts(to: Counts, more: Partial<Counts>): void {
  for (const what of COUNTED) to[what] = Math.min(Number.MAX_SAFE_INTEGER, to[what] + (more[what] ?? 0))
}
