import { createBudgets } from './budgets.ts'
import type { Clock } from './clock.ts'
import type { Log } from './log.ts'

/** Log lines that strangers cause: so many for each address and in all. What is left out is counted. */
export interface StrangerLog {
  info(address: string, fields: object, message: string): void
  warn(address: string, fields: object, message: string): void
}

/** A neighbour that comes and goes writes two lines; a fault once in a while is worth one. */
const EACH = { perSecond: 1 / 30, burst: 20 }
const IN_ALL = { perSecond: 1, burst: 200 }

/** `address`: what lines are counted by (addressBlock). A line after a silence says how many were left out before it. */
export function createStrangerLog(clock: Clock, log: Log): StrangerLog {
  const budgets = createBudgets(clock, EACH, IN_ALL)
  let leftOut = 0

  function write(level: 'info' | 'warn', address: string, fields: object, message: string) {
    if (!budgets.take(address)) {
      leftOut++
      return
    }
    log[level](leftOut > 0 ? { ...fields, leftOut } : fields, message)
    leftOut = 0
  }
  return {
    info: (address, fields, message) => write('info', address, fields, message),
    warn: (address, fields, message) => write('warn', address, fields, message),
  }
}
