/** What processes have cost, for all benches. */
import { readFileSync } from 'node:fs'
import type { PacsrvNode } from '../test/e2e/node.ts'

/** proc(5): /proc/PID/stat counts in hundredths of a second on every Linux (USER_HZ). */
const TICKS = 100

/**
 * CPU seconds, user and system, that a process has used since its start, with those of its children that it has waited
 * for (curl, say); a child that still runs isn't in it. Throws when there is no such process.
 */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [user, system, childrenUser, childrenSystem] = fields.slice(11, 15).map(Number) as [
    number,
    number,
    number,
    number,
  ]
  return (user + system + childrenUser + childrenSystem) / TICKS
}

/** The most memory that a process has had, in MB. */
export function peakMemory(pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1000
}

/** CPU seconds of a node's daemon since its start, with its children. */
export const daemonCpu = (node: PacsrvNode) => node.daemons().reduce((sum, pid) => sum + cpuSeconds(pid), 0)

/** Of several. */
export const daemonsCpu = (nodes: PacsrvNode[]) => nodes.reduce((sum, node) => sum + daemonCpu(node), 0)
