import type { Config } from '../base/config.ts'
import { asError } from '../base/error.ts'
import type { Log } from '../base/log.ts'

/** Something that begins and ends. `stop` takes back whatever `start` has done, also where that failed halfway. */
export interface Living {
  start(): void | Promise<void>
  stop(): void | Promise<void>
  /** Takes over what can change while it runs (daemon/reload.ts). Undefined: nothing can. */
  reload?(config: Config): void
}

export interface LifePart extends Living {
  /** For the log. */
  name: string
}

/** All parts as one. */
export interface Life {
  start(): Promise<void>
  stop(): Promise<void>
  reload(config: Config): void
}

/**
 * Starts parts in their order and stops them in the reverse. Where one can't start, it and those before it are stopped,
 * and `start` rejects with its error. If one can't stop, that is logged, and the others are stopped all the same.
 */
export function createLife(parts: LifePart[], log: Log): Life {
  const begun: LifePart[] = []

  async function stop() {
    for (let part = begun.pop(); part; part = begun.pop()) {
      try {
        await part.stop()
      } catch (error) {
        log.error({ part: part.name, err: asError(error) }, `${part.name} could not be stopped`)
      }
    }
  }

  return {
    async start() {
      try {
        for (const part of parts) {
          begun.push(part)
          await part.start()
        }
      } catch (error) {
        await stop()
        throw error
      }
    },
    stop,
    reload(config) {
      for (const part of parts) part.reload?.(config)
    },
  }
}
