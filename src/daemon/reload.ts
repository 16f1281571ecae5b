import type { Config } from '../base/config.ts'
import { asError } from '../base/error.ts'
import type { Log } from '../base/log.ts'
import type { Problems } from '../base/problems.ts'

/** Keys that take effect while the daemon runs: each has a part that takes it (LifePart.reload). */
const LIVE = new Set([
  '[daemon] log-level',
  '[network] webhost',
  '[network] upload-limit',
  '[network] download-limit',
  '[direct] server',
])
/** The front reads it for each file. */
const OTHERS = ['client']

/** The keys that are not as before, as `[section] key`: those that take effect at once, and those that take a restart. */
export function changedKeys(before: Config, after: Config): { live: string[]; fixed: string[] } {
  const [old, now] = [keysOf(before), keysOf(after)]
  const changed = [...now].filter(([name, text]) => old.get(name) !== text).map(([name]) => name)
  return {
    live: changed.filter((name) => LIVE.has(name)),
    fixed: changed.filter((name) => !LIVE.has(name)),
  }
}

function keysOf({ file: _, ...sections }: Config): Map<string, string> {
  const own = Object.entries(sections).filter(([section]) => !OTHERS.includes(section))
  return new Map(
    own.flatMap(([section, keys]) =>
      Object.entries(keys).map(([key, value]) => [`[${section}] ${key}`, JSON.stringify(value) ?? '']),
    ),
  )
}

export interface ReloadDeps {
  /** Throws PacsrvError `config`. */
  read(): Config
  /** Hands what is new to the parts. */
  apply(config: Config): void
  problems: Problems
  log: Log
}

/** What SIGHUP does: reads the configuration again and applies what can be; `started`: what the daemon began with. */
export function createReload({ read, apply, problems, log }: ReloadDeps, started: Config): () => void {
  let applied = started
  return () => {
    let config: Config
    try {
      config = read()
    } catch (error) {
      problems.report('config', 'faulty', {
        problem: `The configuration has a mistake, so the one before stays: ${asError(error).message}.`,
        fix: 'correct it, then systemctl reload pacsrv.service',
        log,
      })
      return
    }
    problems.solved('config', 'faulty')
    const { live } = changedKeys(applied, config)
    const { fixed } = changedKeys(started, config)
    apply(config)
    applied = config
    log.info({ applied: live }, 'The configuration has been read again.')
    if (fixed.length === 0) return problems.solved('config', 'start')
    problems.solved('config', 'start')
    const takes = fixed.length === 1 ? 'has changed and takes' : 'have changed and take'
    problems.report('config', 'start', {
      problem: `${fixed.join(', ')} ${takes} effect only after a restart.`,
      fix: 'systemctl restart pacsrv.service',
      log,
    })
  }
}
