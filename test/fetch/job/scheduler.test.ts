import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createLimiter } from '../../../src/base/limiter.ts'
import { silentLog } from '../../../src/base/log.ts'
import { createChunkPlan } from '../../../src/fetch/job/request-plan.ts'
import { createSwarm, TICK_MS } from '../../../src/fetch/job/scheduler.ts'
import type { Source } from '../../../src/fetch/sources/source.ts'
import { createClock } from '../../clock.ts'

const KIB = 1024
const CHUNK = 64 * KIB

/** A swarm over a file of so many chunks, whose peers note what they are asked for and never answer. */
function setUp({ chunks, downloadLimit }: { chunks: number; downloadLimit?: number }) {
  const clock = createClock()
  const size = chunks * CHUNK
  const plan = createChunkPlan(size)
  const swarm = createSwarm(
    {
      plan,
      mirrorScope: () => ({ window: Number.POSITIVE_INFINITY }),
      clock,
      log: silentLog,
      downloads: createLimiter(clock, downloadLimit),
      makeMirror: () => assert.unreachable('no mirror here') as never,
    },
    { size, mirrors: [] },
    { onChunk() {}, onPeerGone() {}, onMirrorFailed() {}, onMirrorAsked() {} },
  )
  function peer({ near, rate }: { near: boolean; rate: number }) {
    const asked: number[] = []
    const source: Source = {
      kind: 'peer',
      label: near ? 'near' : 'far',
      near,
      partial: false,
      news: () => '',
      latency: 0,
      heard: undefined,
      rate: () => rate,
      has: () => true,
      ask: (chunk) => void asked.push(chunk),
      cancel() {},
      close() {},
    }
    swarm.addPeer(() => source)
    return { source, asked }
  }
  return { clock, plan, swarm, peer }
}

test('who is far is not asked while the near have the rest within two seconds', () => {
  const { peer } = setUp({ chunks: 100 })
  const near = peer({ near: true, rate: 50 * CHUNK })
  const far = peer({ near: false, rate: 50 * CHUNK })
  assert.ok(near.asked.length > 0)
  assert.is(far.asked.length, 0)
})

test('who is far is asked too where the near would take longer', () => {
  const { peer } = setUp({ chunks: 101 })
  peer({ near: true, rate: 50 * CHUNK })
  const far = peer({ near: false, rate: 50 * CHUNK })
  assert.ok(far.asked.length > 0)
})

test('and where there is nobody near, or nobody knows how fast the near are', () => {
  const alone = setUp({ chunks: 4 })
  assert.ok(alone.peer({ near: false, rate: 0 }).asked.length > 0)
  const unknown = setUp({ chunks: 100 })
  unknown.peer({ near: true, rate: 0 })
  assert.ok(unknown.peer({ near: false, rate: CHUNK }).asked.length > 0)
})

test('a download limit is kept by what peers are asked for', () => {
  const limit = 10 * CHUNK
  const { clock, plan, swarm, peer } = setUp({ chunks: 1_000, downloadLimit: limit })
  const { source, asked } = peer({ near: true, rate: 100 * CHUNK })
  for (let ms = 0; ms < 10_000; ms += TICK_MS) {
    for (const chunk of asked) {
      plan.unask(source, chunk)
      plan.got(chunk)
    }
    clock.advance(TICK_MS)
    swarm.tick()
  }
  const share = (asked.length * CHUNK) / (10 * limit)
  assert.ok(Math.abs(share - 1) < 0.05, `${share} of the limit`)
})

test.run()
