import type { Clock } from '../src/base/clock.ts'

/** A clock that stands still until a test winds it. */
export interface WoundClock extends Clock {
  /** Moves time on by `ms`, running what falls due on the way, in order. */
  advance(ms: number): void
  /** Runs what falls due next, however far ahead; false when nothing is left. */
  step(): boolean
}

interface Due {
  at: number
  order: number
  action: () => void
}

/** A binary heap: the simulator keeps hundreds of thousands of timers. */
export function createClock(start = 0): WoundClock {
  let time = start
  let order = 0
  const heap: Due[] = []
  const called = new Set<Due>()

  const before = (a: Due, b: Due) => a.at < b.at || (a.at === b.at && a.order < b.order)

  function push(due: Due) {
    let at = heap.push(due) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!before(due, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = due
  }

  function pop(): Due {
    const top = heap[0]!
    const last = heap.pop()!
    if (heap.length === 0) return top
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
      if (!before(heap[child]!, last)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return top
  }

  function nextDue(): Due | undefined {
    while (heap.length > 0 && called.has(heap[0]!)) called.delete(pop())
    return heap[0]
  }

  function step(): boolean {
    const due = nextDue()
    if (!due) return false
    pop()
    time = Math.max(time, due.at)
    due.action()
    return true
  }

  return {
    now: () => time,
    after(ms, action) {
      const due = { at: time + Math.max(0, ms), order: order++, action }
      push(due)
      let done = false
      const run = due.action
      due.action = () => {
        done = true
        run()
      }
      return () => {
        if (!done) called.add(due)
        done = true
      }
    },
    step,
    advance(ms) {
      const until = time + ms
      for (let due = nextDue(); due && due.at <= until; due = nextDue()) step()
      time = until
    },
  }
}
