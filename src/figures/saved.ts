import { humanSize } from '../base/progress.ts'
import type { Counts } from './counts.ts'

/** What pacsrv is worth, in a sentence. `when` begins it: "In the last 30 days". */
export function savedSentence(
  { fromSite, fromWorld, fromMirror, toSite, toWorld }: Counts,
  when: string,
): string {
  const all = fromSite + fromWorld + fromMirror
  const given = toSite + toWorld
  const gave = given > 0 ? `${humanSize(given)} were given to others` : ''
  if (all === 0) return `${when} nothing was downloaded${gave && `; ${gave}`}.`
  const peers = fromSite + fromWorld
  const rest = `${gave ? ', and ' : '.'}${gave && `${gave}.`}`
  if (peers === 0) return `${when} all of ${humanSize(all)} came from mirrors${rest}`
  const from = [
    ...(fromSite > 0 ? [`${humanSize(fromSite)} from this site`] : []),
    ...(fromWorld > 0 ? [`${humanSize(fromWorld)} from the world`] : []),
  ].join(', ')
  return `${when} ${percent(peers, all)} of ${humanSize(all)} came from other machines instead of a mirror (${from})${rest}`
}

/** Never 0 of something, nor 100 of less than all. */
function percent(part: number, all: number): string {
  if (part === all) return '100 %'
  return `${Math.min(99, Math.max(1, Math.round((part * 100) / all)))} %`
}
