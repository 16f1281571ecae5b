/** Whether pacsrv is worse than what there is without it. */
import type { MoodRow } from './moods.ts'
import type { MoodsLab, Played, PlayOptions, Run } from './moods-lab.ts'

export interface Verdict {
  verdict: 'worse' | 'same' | 'better'
  why: string
  figures: string
}

/** What it may cost over the better of the two: a part, and seconds besides (more where others work on this machine). */
const PART = 1.1
const SECONDS = 0.3
/** A machine that is busier still tells nothing: seconds are allowed so many times. */
const MOST_CONTENTION = 3
/** A busy machine's slow run is tried again. */
const TRIES = 3

export async function verdictOf(
  lab: MoodsLab,
  row: MoodRow,
  { tries = TRIES, ...options }: PlayOptions & { tries?: number | undefined } = {},
): Promise<Verdict> {
  const all: Played[] = []
  for (;;) {
    all.push(await lab.play(row, options))
    const verdict = judge(row, all)
    if (verdict.verdict !== 'worse' || all.length >= tries) return verdict
  }
}

/** Of several tries each is taken at its best. */
export function judge(row: MoodRow, all: Played[]): Verdict {
  const stock = best(all.map((one) => one.stock))
  const curl = best(all.map((one) => one.curl))
  const pacsrv = best(all.map((one) => one.pacsrv))
  const rivals = row.road.startsWith('CacheServer') ? [stock] : [stock, curl]
  const whole = rivals.filter(({ code }) => code === 0)
  const figures = Object.entries({ stock, curl, pacsrv })
    .map(([name, { code, seconds }]) => `${name} ${code} ${seconds.toFixed(2)} s`)
    .concat(pacsrv.contention < 1.5 ? [] : `beside others: ${pacsrv.contention.toFixed(1)}`)
    .join(', ')
  const verdict = (word: Verdict['verdict'], why = ''): Verdict => ({ verdict: word, why, figures })
  if (pacsrv.wrong.length > 0 && pacsrv.code === 0) return verdict('worse', 'wrong files, and exit 0')
  if (whole.length === 0) return verdict(pacsrv.code === 0 ? 'better' : 'same')
  if (pacsrv.code !== 0)
    return verdict('worse', `it fails: ${pacsrv.said.trim().split('\n').slice(-4).join(' / ')}`)
  // By XferCommand pacman fetches one after another, and waits two seconds after each failure: the same road is the rival.
  // Where curl fails there it is stock pacman, which starts no program for each file.
  const byCurl = whole.includes(curl)
  const rival = byCurl ? curl : stock
  const extra =
    (rivals.length === 1 || byCurl ? SECONDS : 2 * SECONDS) * Math.min(MOST_CONTENTION, pacsrv.contention)
  if (pacsrv.seconds > rival.seconds * PART + extra) return verdict('worse', 'slower')
  const least = Math.min(...whole.map(({ seconds }) => seconds))
  return verdict(pacsrv.seconds < least * 0.9 || whole.length < rivals.length ? 'better' : 'same')
}

function best(runs: Run[]): Run {
  const whole = runs.filter(({ code }) => code === 0)
  return (whole.length > 0 ? whole : runs).reduce((a, b) => (b.seconds < a.seconds ? b : a))
}
