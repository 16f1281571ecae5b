import type { Clock } from '../base/clock.ts'
import { isUnreachable, type OpenMirror } from './curl.ts'

/** Which mirrors could not be reached lately: a dead one is tried last, so that it costs its time-out once, not once a file. */
export interface DeadMirrors {
  /** It refused, or its time ran out. */
  failed(url: string): void
  answered(url: string): void
  isDead(url: string): boolean
  /** The dead last; else in the order given. */
  order(urls: string[]): string[]
}

const REMEMBERED_MS = 5 * 60_000
const MOST_REMEMBERED = 1_000

export function createDeadMirrors(clock: Clock): DeadMirrors {
  /** Host and port to when it failed. */
  const failures = new Map<string, number>()

  function isDead(url: string): boolean {
    const at = failures.get(hostOf(url))
    return at !== undefined && clock.now() - at < REMEMBERED_MS
  }

  return {
    failed(url) {
      const host = hostOf(url)
      failures.delete(host)
      failures.set(host, clock.now())
      if (failures.size > MOST_REMEMBERED) failures.delete(failures.keys().next().value!)
    },
    answered: (url) => void failures.delete(hostOf(url)),
    isDead,
    order: (urls) => [...urls.filter((url) => !isDead(url)), ...urls.filter(isDead)],
  }
}

/** One host's repositories live and die together. */
function hostOf(url: string): string {
  return /^[a-z][a-z\d+.-]*:\/\/(?:[^/?#]*@)?([^/?#]*)/i.exec(url)?.[1]?.toLowerCase() ?? url
}

/** Whoever leaves a mirror that has said nothing for so long thinks it dead. */
const SILENT_MS = 1_500

/** Opens mirrors as `open` does, and notes who answers. */
export function notingDead(
  open: OpenMirror,
  { dead, clock }: { dead: DeadMirrors; clock: Clock },
): OpenMirror {
  return (request, handler) => {
    const begun = clock.now()
    let answered = false
    const stream = open(request, {
      ...handler,
      onStart(offset) {
        answered = true
        dead.answered(request.url)
        handler.onStart(offset)
      },
      onEnd(error) {
        if (error && isUnreachable(error)) dead.failed(request.url)
        handler.onEnd(error)
      },
    })
    return {
      ...stream,
      stop() {
        if (!answered && clock.now() - begun >= SILENT_MS) dead.failed(request.url)
        stream.stop()
      },
    }
  }
}
