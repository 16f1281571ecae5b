import { addCounts, COUNTED, type Counts, noCounts } from './counts.ts'

/** A day as YYYY-MM-DD, so that text order is the order of days. */
export type Day = string

export interface DayCounts {
  day: Day
  counts: Counts
}

/** What was counted, by day and ever. Days without anything aren't in it. */
export interface Ledger {
  add(today: Day, more: Partial<Counts>): void
  /** Of so many days up to and with today. */
  since(today: Day, days: number): Counts
  /** Oldest first. */
  days(): readonly DayCounts[]
  readonly ever: Counts
  /** As `readLedger` takes it. */
  written(): string
}

/** A year, and the day that began it. */
const MOST_DAYS = 366
/** Longer than any ledger of so many days is. */
export const MOST_LEDGER_BYTES = 256 * 1024
const VERSION = 1
const DAY = /^\d{4}-\d{2}-\d{2}$/
const DAY_MS = 24 * 60 * 60 * 1000

/** By the local calendar, which is what a reader calls today. */
export function dayOf(date: Date): Day {
  const two = (count: number) => String(count).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

/** The day so many days before. */
export function daysBefore(day: Day, count: number): Day {
  return new Date(Date.parse(`${day}T00:00:00Z`) - count * DAY_MS).toISOString().slice(0, 10)
}

export function createLedger(kept?: { ever: Counts; days: DayCounts[] }): Ledger {
  const ever = noCounts()
  addCounts(ever, kept?.ever ?? {})
  const days: DayCounts[] = [...(kept?.days ?? [])].sort((a, b) => (a.day < b.day ? -1 : 1)).slice(-MOST_DAYS)

  /** A clock that was ahead for a while has left days that are yet to come: what they hold was counted by today. */
  function takeBackFuture(today: Day): DayCounts {
    let own = days.find(({ day }) => day === today)
    if (!own) {
      own = { day: today, counts: noCounts() }
      days.push(own)
      days.sort((a, b) => (a.day < b.day ? -1 : 1))
    }
    for (let last = days.at(-1); last && last.day > today; last = days.at(-1)) {
      addCounts(own.counts, last.counts)
      days.pop()
    }
    return own
  }

  return {
    add(today, more) {
      addCounts(takeBackFuture(today).counts, more)
      addCounts(ever, more)
      if (days.length > MOST_DAYS) days.splice(0, days.length - MOST_DAYS)
    },
    since(today, count) {
      const first = daysBefore(today, count - 1)
      const sum = noCounts()
      for (const { day, counts } of days) if (day >= first) addCounts(sum, counts)
      return sum
    },
    days: () => days,
    ever,
    written: () =>
      JSON.stringify({
        version: VERSION,
        counted: COUNTED,
        ever: COUNTED.map((what) => ever[what]),
        days: days.map(({ day, counts }) => [day, ...COUNTED.map((what) => counts[what])]),
      }),
  }
}

/** The ledger in a text; undefined where it is none. What a later version counts beside is passed over. */
export function readLedger(text: string): Ledger | undefined {
  let read: unknown
  try {
    read = JSON.parse(text)
  } catch {
    return undefined
  }
  const { version, counted, ever, days } = (read ?? {}) as Record<string, unknown>
  if (version !== VERSION || !Array.isArray(counted) || !Array.isArray(days)) return undefined
  const sums = countsIn(counted, ever)
  const byDay = days.map((row: unknown) => {
    const [day, ...counts] = Array.isArray(row) ? row : []
    const found = countsIn(counted, counts)
    return typeof day === 'string' && DAY.test(day) && !Number.isNaN(Date.parse(day)) && found
      ? { day, counts: found }
      : undefined
  })
  const isDay = (day: DayCounts | undefined): day is DayCounts => day !== undefined
  return sums && byDay.every(isDay) ? createLedger({ ever: sums, days: byDay }) : undefined
}

function countsIn(names: unknown[], numbers: unknown): Counts | undefined {
  if (!Array.isArray(numbers) || numbers.length !== names.length) return undefined
  const counts = noCounts()
  for (const what of COUNTED) {
    const number = numbers[names.indexOf(what)] ?? 0
    if (!Number.isSafeInteger(number) || number < 0) return undefined
    counts[what] = number
  }
  return counts
}
