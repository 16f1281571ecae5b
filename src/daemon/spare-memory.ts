import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * V8 collects only what it is asked room for: after a rush a daemon with nothing to do would keep the most that it ever
 * took. So its rubbish is taken out when it rests, 15 to 60 ms of work.
 */
export interface Heap {
  /** What V8 has of the system, with what lies outside its heap for it, in bytes. */
  bytes(): number
  /** Bytes that were given up, ever: surely rubbish until the next collection. */
  dropped(): number
  collect(): void
  /** Milliseconds of processor time that this process has had. */
  busy(): number
}

/** It rests while it has the processor for less than this in a second, in milliseconds. */
const AT_REST_MS = 30
/** So much above the least that was seen at rest, in bytes, is worth a collection … */
const WORTH_BYTES = 8e6
/** … which may cost this part of the work since the last, unless as much is surely rubbish. */
const PART_OF_WORK = 0.1
/**
 * So many seconds later it is collected again, if that is still worth it: V8 gives back what was for the young only when little
 * was asked of it in the five seconds before a collection.
 */
const AGAIN_AFTER = [4, 6]
/** What the first is taken to cost, in milliseconds. */
const FIRST_COST = 25

/** At a look, once a second: what there is, in bytes, and milliseconds of work. */
export interface HeapLook {
  bytes: number
  /** The least that was seen at rest. */
  least: number
  /** Since the look before. */
  busy: number
  /** Since the last collection, and what that took. */
  work: number
  dropped: number
  cost: number
  /** Whether it follows another. */
  again: boolean
}

export function isWorthIt({ bytes, least, busy, work, dropped, cost, again }: HeapLook): boolean {
  if (busy >= AT_REST_MS || bytes < least + WORTH_BYTES) return false
  return again || dropped >= WORTH_BYTES || cost <= PART_OF_WORK * work
}

/** Returns what looks, to be called each second. */
export function createSpareMemory(heap: Heap): () => void {
  let least = heap.bytes()
  let lookedAt = heap.busy()
  let last = { at: lookedAt, dropped: heap.dropped(), cost: FIRST_COST, seconds: Math.max(...AGAIN_AFTER) }
  return () => {
    const [bytes, now] = [heap.bytes(), heap.busy()]
    least = Math.min(least, bytes)
    const { at, cost } = last
    const dropped = heap.dropped()
    const again = AGAIN_AFTER.includes(++last.seconds)
    const since = { busy: now - lookedAt, work: now - at, dropped: dropped - last.dropped }
    if (isWorthIt({ ...since, bytes, least, cost, again })) {
      heap.collect()
      const end = heap.busy()
      last = { at: end, dropped, cost: end - now, seconds: again ? last.seconds : 0 }
    }
    lookedAt = heap.busy()
  }
}

export function ownHeap(dropped: () => number): Heap {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  return {
    bytes() {
      const { total_heap_size, external_memory } = getHeapStatistics()
      // Buffers that threads share aren't in the former, all others are in both.
      return total_heap_size + Math.max(external_memory, process.memoryUsage().arrayBuffers)
    },
    dropped,
    collect,
    busy() {
      const { user, system } = process.cpuUsage()
      return (user + system) / 1_000
    },
  }
}
