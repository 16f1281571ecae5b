import { open, readFile, rename, stat, unlink } from 'node:fs/promises'
import type { Cancel, Clock } from '../base/clock.ts'
import { asError, systemCode } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import { addCounts, type Counts, noCounts } from './counts.ts'
import {
  createLedger,
  type Day,
  type DayCounts,
  dayOf,
  type Ledger,
  MOST_LEDGER_BYTES,
  readLedger,
} from './ledger.ts'

/** The figures that last: counted as they come, and kept in a file over restarts. */
export interface Figures {
  add(more: Partial<Counts>): void
  sums(): FigureSums
  /** Since this daemon's start. */
  readonly sinceStart: Readonly<Counts>
  /** The last so many days with something in them, oldest first. */
  days(count: number): readonly DayCounts[]
  /** Resolves when what was counted is in the file. */
  close(): Promise<void>
}

export interface FigureSums {
  today: Counts
  /** Today and the 29 days before. */
  days30: Counts
  ever: Counts
}

/** A crash loses what was counted in this time, in milliseconds, at most. */
const SAVE_MS = 60_000

/**
 * Takes up the ledger in the file. One that can't be understood is put aside as `FILE.broken`, and a new one begun; one
 * that can't be read or written costs the figures, and nothing else.
 */
export async function openFigures(
  { clock, log, now }: { clock: Clock; log: Log; now(): Date },
  file: string,
): Promise<Figures> {
  const ledger = (await load(log, file)) ?? createLedger()
  const today = (): Day => dayOf(now())
  const sinceStart = noCounts()
  let stopTimer: Cancel | undefined
  let isSaid = false
  let saving = Promise.resolve()

  function save() {
    stopTimer = undefined
    saving = saving.then(async () => {
      try {
        await replaceFile(file, ledger.written())
        isSaid = false
      } catch (error) {
        if (!isSaid)
          log.warn({ err: asError(error), file }, `the figures can't be kept: ${systemCode(error)}`)
        isSaid = true
      }
    })
    return saving
  }

  return {
    add(more) {
      ledger.add(today(), more)
      addCounts(sinceStart, more)
      stopTimer ??= clock.after(SAVE_MS, () => void save())
    },
    sums: () => ({
      today: ledger.since(today(), 1),
      days30: ledger.since(today(), 30),
      ever: ledger.ever,
    }),
    sinceStart,
    days: (count) => ledger.days().slice(-count),
    async close() {
      stopTimer?.()
      if (stopTimer) await save()
      await saving
    },
  }
}

async function load(log: Log, file: string): Promise<Ledger | undefined> {
  try {
    const { size } = await stat(file)
    const ledger = size <= MOST_LEDGER_BYTES ? readLedger(await readFile(file, 'utf8')) : undefined
    if (ledger) return ledger
    await rename(file, `${file}.broken`)
    log.warn({ file }, `the figures in ${file} can't be understood: put aside as ${file}.broken`)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') log.warn({ err: asError(error), file }, "the figures can't be read")
  }
  return undefined
}

/** The file holds the text before or this one, whole, also after the power failed. */
async function replaceFile(file: string, text: string): Promise<void> {
  const fresh = `${file}.new`
  try {
    const handle = await open(fresh, 'w', 0o600)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(fresh, file)
  } catch (error) {
    await unlink(fresh).catch(() => {})
    throw error
  }
}
