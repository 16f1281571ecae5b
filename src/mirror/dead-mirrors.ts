import { namesProxy } from '../base/caller-environment.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { answerIn, isDown } from './answers.ts'
import type { OpenMirror } from './curl.ts'

/** Which mirrors could not be reached lately: a dead one is tried last, so that it costs its time-out once, not once a file. */
export interface DeadMirrors {
  /** It refused, or its time ran out. */
  failed(url: string): void
  answered(url: string): void
  isDead(url: string): boolean
  /** It has answered lately, and not failed since. */
  isAlive(url: string): boolean
  /** The dead last; else in the order given. */
  order(urls: string[]): string[]
}

const REMEMBERED_MS = 5 * 60_000
const MOST_REMEMBERED = 1_000

export function createDeadMirrors(clock: Clock): DeadMirrors {
  /** Host and port to how it fared last, and when. */
  const known = new Map<string, { failed: boolean; at: number }>()

  function note(url: string, failed: boolean) {
    const host = hostOf(url)
    known.delete(host)
    known.set(host, { failed, at: clock.now() })
    if (known.size > MOST_REMEMBERED) known.delete(known.keys().next().value!)
  }
  function fared(url: string): { failed: boolean } | undefined {
    const last = known.get(hostOf(url))
    return last && clock.now() - last.at < REMEMBERED_MS ? last : undefined
  }
  const isDead = (url: string) => fared(url)?.failed === true

  return {
    failed: (url) => note(url, true),
    answered: (url) => note(url, false),
    isDead,
    isAlive: (url) => fared(url)?.failed === false,
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
  { dead, clock, log }: { dead: DeadMirrors; clock: Clock; log: Log },
): OpenMirror {
  return (request, handler) => {
    // A caller's proxy that fails says nothing of the mirror.
    if (namesProxy(request.environment)) return open(request, handler)
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
        if (error && isDown(answerIn(error))) {
          dead.failed(request.url)
          log.debug({ mirror: hostOf(request.url), problem: error.message }, 'a mirror could not be reached')
        }
        handler.onEnd(error)
      },
    })
    return {
      ...stream,
      stop() {
        const silentMs = clock.now() - begun
        if (!answered && silentMs >= SILENT_MS) {
          dead.failed(request.url)
          log.debug({ mirror: hostOf(request.url), silentMs }, 'a mirror said nothing and was left')
        }
        stream.stop()
      },
    }
  }
}
