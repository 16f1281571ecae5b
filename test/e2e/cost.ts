import { readdirSync, readFileSync } from 'node:fs'
import type { Member } from './pair.ts'

/** What a daemon takes of its machine; read of /proc, so it costs the daemon nothing. */
export interface Cost {
  /** Of memory, now and at its most. */
  bytes: number
  mostBytes: number
  /** Open files and connections. */
  files: number
  cpuSeconds: number
  logLines: number
}

/** USER_HZ, as Linux tells it to programs. */
const TICKS = 100

export function costOf({ node }: Pick<Member, 'node'>): Cost {
  const folder = `/proc/${node.daemons()[0]}`
  const status = readFileSync(`${folder}/status`, 'utf8')
  const kib = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)![1]) * 1024
  const [, user, system] = /^.*\)(?: \S+){11} (\d+) (\d+)/.exec(readFileSync(`${folder}/stat`, 'utf8'))!
  return {
    bytes: kib('VmRSS'),
    mostBytes: kib('VmHWM'),
    files: readdirSync(`${folder}/fd`).length,
    cpuSeconds: (Number(user) + Number(system)) / TICKS,
    logLines: node.log().split('\n').length - 1,
  }
}

/** Looks every 100 ms until `stop`, which tells the most open files that were seen. */
export function watchFiles(member: Pick<Member, 'node'>): { stop(): number } {
  let most = 0
  const folder = `/proc/${member.node.daemons()[0]}/fd`
  const timer = setInterval(() => {
    most = Math.max(most, readdirSync(folder).length)
  }, 100)
  return {
    stop() {
      clearInterval(timer)
      return most
    },
  }
}
