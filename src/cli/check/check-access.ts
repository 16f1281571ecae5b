/** Who may do what, worked out from file modes: `check` runs as another user than the daemon, so it can't simply try. */

/** Owner and mode of one file or folder. */
export interface Owned {
  uid: number
  gid: number
  mode: number
}

export interface Who {
  name: string
  uid: number
  /** The primary group and all others. */
  gids: number[]
}

export const Want = { enter: 1, write: 2, read: 4 } as const

/** What `id NAME` printed; undefined when that isn't it. */
export function parseId(output: string): Who | undefined {
  const match = /^uid=(\d+)\(([^)]+)\) gid=(\d+)/.exec(output)
  if (!match) return undefined
  const [, uid, name, group] = match as unknown as [string, string, string, string]
  const more = / groups=(\S.*)/.exec(output)?.[1] ?? ''
  const others = [...more.matchAll(/(?:^|,)(\d+)/g)].map((match) => Number(match[1]))
  return { name, uid: Number(uid), gids: [Number(group), ...others] }
}

/** Whether `who` may do all of `want` (bits of Want) with this one file or folder. ACLs aren't looked at. */
export function allows({ uid, gid, mode }: Owned, who: Who, want: number): boolean {
  if (who.uid === 0) return true
  const shift = who.uid === uid ? 6 : who.gids.includes(gid) ? 3 : 0
  return ((mode >> shift) & want) === want
}

/** The same for the last of `steps`, with the way to it: every folder before it must let `who` in. */
export function reaches(steps: Owned[], who: Who, want: number): boolean {
  const last = steps.at(-1)
  const way = steps.slice(0, -1)
  return last !== undefined && way.every((step) => allows(step, who, Want.enter)) && allows(last, who, want)
}
