import { setImmediate as nextTurn } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { PacsrvError } from '../../../src/base/error.ts'
import type { PartialFile } from '../../../src/fetch/file/partial-file.ts'
import type { Origins } from '../../../src/fetch/file/spool-file.ts'
import { createCompletion } from '../../../src/fetch/job/completion.ts'
import type { Trace } from '../../../src/fetch/job/trace.ts'

const HASHES = new Uint8Array(64).fill(7)

/** `bytesFrom` as the partial file counts them; `fromSite` as the trace saw it come. */
function setUp({ bytesFrom = { peer: 60, member: 30, mirror: 10, spool: 0 }, fromSite = 0 } = {}) {
  const over = new AbortController()
  const told: string[] = []
  const checks: { end(right: boolean): void; fail(error: Error): void }[] = []
  const map = { bytesLeft: 1 }
  let from: Origins | undefined
  const completion = createCompletion(
    {
      partial: { map, bytesFrom, completed: () => HASHES } as unknown as PartialFile,
      whole: { check: () => new Promise((end, fail) => void checks.push({ end, fail })) },
      trace: {
        stage: (name: string) => void told.push(name),
        peers: ['a', 'b'],
        fromSite,
      } as unknown as Trace,
      signal: over.signal,
    },
    {
      onRight(origins) {
        from = origins
        told.push('right')
      },
      onWrong: () => void told.push('wrong'),
      onFault: (error) => void told.push((error as Error).message),
    },
  )
  return { over, told, checks, map, completion, from: () => from }
}

test('nothing is checked until all is here, and then once at a time', async () => {
  const { told, checks, map, completion, from } = setUp()
  completion.consider()
  assert.is(checks.length, 0)
  map.bytesLeft = 0
  completion.consider()
  completion.consider()
  assert.is(checks.length, 1)
  assert.is(completion.chunkHashes, undefined, 'nobody is told of chunks that may be wrong')
  checks[0]!.end(true)
  await nextTurn()
  assert.equal(told, ['lastByte', 'checked', 'right'])
  assert.is(completion.chunkHashes, HASHES)
  assert.equal(from(), { fromPeers: 90, fromSite: 0, fromMirror: 10, peers: ['a', 'b'] })
})

test('what proved wrong since it came from the site counts no longer', async () => {
  const { checks, map, completion, from } = setUp({ fromSite: 95 })
  map.bytesLeft = 0
  completion.consider()
  checks[0]!.end(true)
  await nextTurn()
  assert.is(from()!.fromSite, 90)
})

test('a wrong file is checked again once it is whole again', async () => {
  const { told, checks, map, completion } = setUp()
  map.bytesLeft = 0
  completion.consider()
  checks[0]!.end(false)
  await nextTurn()
  assert.equal(told, ['lastByte', 'wrong'])
  assert.is(completion.chunkHashes, undefined)
  completion.consider()
  checks[1]!.end(true)
  await nextTurn()
  assert.is(told.at(-1), 'right')
})

test('a check that fails is a fault, and none that ends after the job is told', async () => {
  const { over, told, checks, map, completion } = setUp()
  map.bytesLeft = 0
  completion.consider()
  checks[0]!.fail(new PacsrvError('spool', 'the disk is gone'))
  await nextTurn()
  assert.equal(told, ['lastByte', 'the disk is gone'])
  const late = setUp()
  late.map.bytesLeft = 0
  late.completion.consider()
  late.over.abort()
  late.checks[0]!.end(true)
  await nextTurn()
  assert.equal(late.told, ['lastByte'])
  late.completion.consider()
  assert.is(late.checks.length, 1, 'nor is anything begun')
  over.abort()
})

test.run()
