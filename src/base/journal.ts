import { fstatSync } from 'node:fs'

/** Priorities of syslog, as systemd reads them before a line: sd-daemon(3). */
export const PRIORITY = { critical: 2, error: 3, warning: 4, info: 6, debug: 7 } as const

/** Whether what is written to `fd` goes to systemd's journal: it says which file that is (systemd.exec(5), JOURNAL_STREAM). */
export function isJournal(
  fd: number,
  env: NodeJS.ProcessEnv = process.env,
  stat: (fd: number) => { dev: number; ino: number } = fstatSync,
): boolean {
  if (env.JOURNAL_STREAM === undefined) return false
  try {
    const { dev, ino } = stat(fd)
    return env.JOURNAL_STREAM === `${dev}:${ino}`
  } catch {
    return false
  }
}
