import { addressBlock } from '../../base/address.ts'
import type { Clock } from '../../base/clock.ts'
import { type Endpoint, hostPort, LOWEST_PORT } from '../../base/endpoint.ts'

/** Connects and tells whether a node answers there. May reject or hang: both count as no. */
export type DialsBack = (endpoint: Endpoint) => Promise<boolean>

export interface DialBackBounds {
  /** Dials at a time. */
  atOnce: number
  /** Dials that wait for their turn. */
  waiting: number
  /** Dials in `window` milliseconds to one IPv4 address or IPv6 /64. */
  perBlock: number
  window: number
  /** Addresses and /64s remembered for that; while it is full, no other is dialled. */
  blocks: number
  /** Milliseconds a dial may take. */
  timeout: number
}

export interface DialBacks {
  /**
   * Has `endpoint` dialled when its turn comes, and `onResult` told, later, what came of it. False, and
   * nothing done, when that would be one too many.
   */
  dial(endpoint: Endpoint, onResult: (reachable: boolean) => void): boolean
}

/** Makes sure that dialling back can't be used to attack: few at a time, few to one place. */
export function createDialBacks(
  { clock, dialBack }: { clock: Clock; dialBack: DialsBack },
  bounds: DialBackBounds,
): DialBacks {
  /** Oldest first. */
  const windows = new Map<string, { opened: number; dials: number }>()
  const queue: (() => void)[] = []
  let running = 0

  function allowed(block: string): boolean {
    const now = clock.now()
    for (const [old, { opened }] of windows) {
      if (now - opened < bounds.window) break
      windows.delete(old)
    }
    const window = windows.get(block) ?? { opened: now, dials: 0 }
    if (window.dials >= bounds.perBlock) return false
    if (window.dials === 0 && windows.size >= bounds.blocks) return false
    window.dials++
    windows.set(block, window)
    return true
  }

  function run(endpoint: Endpoint, onResult: (reachable: boolean) => void) {
    let open = true
    const settle = (reachable: boolean) => {
      if (!open) return
      open = false
      cancel()
      running--
      queue.shift()?.()
      onResult(reachable)
    }
    running++
    const cancel = clock.after(bounds.timeout, () => settle(false))
    dialBack(endpoint).then(settle, () => settle(false))
  }

  return {
    dial(endpoint, onResult) {
      if (hostPort(endpoint).port < LOWEST_PORT) return false
      const turn = running < bounds.atOnce
      if (!turn && queue.length >= bounds.waiting) return false
      if (!allowed(addressBlock(endpoint))) return false
      if (turn) run(endpoint, onResult)
      else queue.push(() => run(endpoint, onResult))
      return true
    },
  }
}
