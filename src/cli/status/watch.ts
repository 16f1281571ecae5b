import type { Sample } from './activity.ts'
import type { Screen } from './screen.ts'

export interface WatchDeps {
  screen: Screen
  /** Asks the daemon; rejects where none answers. */
  look(): Promise<Sample>
  lines(samples: readonly Sample[]): string[]
  /** The same where that fails. */
  failureLines(error: unknown): string[]
  /** Resolves once a look is due again, or the watcher wants no more. */
  pause(): Promise<void>
  /** The watcher wants no more. */
  signal: AbortSignal
}

/** Looks back so many times for the rates. */
const SAMPLES = 6

/** Shows what is going on, again and again. A daemon that is gone is shown as gone: it may come back. */
export async function watch({ screen, look, lines, failureLines, pause, signal }: WatchDeps): Promise<void> {
  let samples: Sample[] = []
  while (!signal.aborted) {
    let shown: string[]
    try {
      samples = [...samples, await look()].slice(-SAMPLES)
      shown = lines(samples)
    } catch (error) {
      samples = []
      shown = failureLines(error)
    }
    if (signal.aborted) return
    screen.show(shown)
    await pause()
  }
}
