import { type Profiler, Session } from 'node:inspector'

/** From and to, by offset in the source. */
type Range = [from: number, to: number]
/** Of each function that ran, by place: what of it didn't. */
export type Ran = Map<string, Range[]>

/** What of src/ has run, by V8's own counters: a library's fuzzer would bring a binary that needs a newer libc. */
export interface Coverage {
  /** What has run since the last call. */
  take(): Ran
  /** Characters of source that ran now and never before. */
  gain(ran: Ran): number
  /** From now on this is no news. */
  merge(ran: Ran): void
  /** Functions that ran so far. */
  readonly functions: number
}

const lengthOf = (ranges: Range[]) => ranges.reduce((sum, [from, to]) => sum + to - from, 0)

/** What is in both; each is in order and apart. */
function both(one: Range[], other: Range[]): Range[] {
  const common: Range[] = []
  for (const [a, b] of one) {
    for (const [c, d] of other)
      if (Math.max(a, c) < Math.min(b, d)) common.push([Math.max(a, c), Math.min(b, d)])
  }
  return common
}

export function startCoverage(): Coverage {
  const session = new Session()
  session.connect()
  const post = <T>(method: string, params?: object): T => {
    let answer: T | undefined
    // Within the same thread the answer comes before `post` returns.
    session.post(method, params, (error: Error | null, result?: object) => {
      if (error) throw error
      answer = result as T
    })
    return answer as T
  }
  post('Profiler.enable')
  post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  /** What of each function that ran at all has never run. */
  const left: Ran = new Map()

  return {
    take() {
      const ran: Ran = new Map()
      const { result } = post<Profiler.TakePreciseCoverageReturnType>('Profiler.takePreciseCoverage')
      for (const { url, functions } of result) {
        if (!url.includes('/src/')) continue
        for (const { ranges } of functions) {
          const [whole, ...blocks] = ranges
          if (!whole || whole.count === 0) continue
          const idle = blocks.filter(({ count }) => count === 0)
          ran.set(
            `${url} ${whole.startOffset}`,
            idle.map(({ startOffset, endOffset }): Range => [startOffset, endOffset]),
          )
        }
      }
      return ran
    },
    gain(ran) {
      let gained = 0
      for (const [place, idle] of ran) {
        const before = left.get(place)
        gained += before ? lengthOf(before) - lengthOf(both(before, idle)) : 1
      }
      return gained
    },
    merge(ran) {
      for (const [place, idle] of ran) left.set(place, both(left.get(place) ?? idle, idle))
    },
    get functions() {
      return left.size
    },
  }
}
