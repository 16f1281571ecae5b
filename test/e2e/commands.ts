import { execFileSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'

/** What a command left behind. `all` is stdout and stderr as they came; `signal` when one ended it. */
export interface Outcome {
  code: number | undefined
  signal: string | undefined
  stdout: string
  stderr: string
  all: string
  seconds: number
  cpuSeconds: number
}

/** The whole environment of a lab's commands: nothing of the tester's own machine leaks in. */
export const BARE_ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LC_ALL: 'C.UTF-8',
}

/** Runs a command and waits; throws with its stderr when it fails. */
export function must(...command: string[]): string {
  return execFileSync(command[0]!, command.slice(1), {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: BARE_ENVIRONMENT,
  })
}

/** The same for clean-up: a failure is no news. */
export function attempt(...command: string[]): string {
  try {
    return must(...command)
  } catch {
    return ''
  }
}

/** Asks every 50 ms until `question` answers with something, or throws after `seconds`, saying `what` was awaited. */
export async function waitFor<T>(
  what: string,
  question: () => T | undefined | false | Promise<T | undefined | false>,
  seconds = 20,
): Promise<T> {
  const end = performance.now() + seconds * 1000
  for (;;) {
    const answer = await question()
    if (answer !== undefined && answer !== false) return answer
    if (performance.now() > end) throw new Error(`waited ${seconds} s for ${what}`)
    await sleep(50)
  }
}
