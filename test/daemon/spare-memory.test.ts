import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  createSpareMemory,
  type Heap,
  type HeapLook,
  isWorthIt,
  ownHeap,
} from '../../src/daemon/spare-memory.ts'

const MB = 1e6

const REST: HeapLook = {
  bytes: 28 * MB,
  least: 20 * MB,
  busy: 0,
  work: 250,
  dropped: 0,
  cost: 25,
  again: false,
}

for (const [what, look, worth] of [
  ['eight megabytes more, at rest', {}, true],
  ['a byte less than that', { bytes: 28 * MB - 1 }, false],
  ['just at rest', { busy: 29 }, true],
  ['at work', { busy: 30 }, false],
  ['after too little work', { work: 249 }, false],
  ['after no work, with as much given up', { work: 0, dropped: 8 * MB }, true],
  ['with a byte less', { work: 0, dropped: 8 * MB - 1 }, false],
  ['after no work, following another', { work: 0, again: true }, true],
] as const) {
  test(`${what}: ${worth ? 'collected' : 'left alone'}`, () => {
    assert.is(isWorthIt({ ...REST, ...look }), worth)
  })
}

test('after a rush it is collected once it rests, and not again for what stays', () => {
  let [bytes, busy, collected, dropped] = [20 * MB, 0, 0, 0]
  const heap: Heap = {
    bytes: () => bytes,
    busy: () => busy,
    dropped: () => dropped,
    collect() {
      collected++
      busy += 20
      bytes = 40 * MB
    },
  }
  const look = createSpareMemory(heap)
  const seconds = (count: number) => {
    for (let n = 0; n < count; n++) look()
  }
  seconds(30)
  assert.is(collected, 0, 'nothing to collect')
  bytes = 100 * MB
  for (let second = 0; second < 10; second++) {
    busy += 500
    seconds(1)
  }
  assert.is(collected, 0, 'at work')
  seconds(1)
  assert.is(collected, 1)
  seconds(3)
  assert.is(collected, 1, 'not yet')
  seconds(1)
  assert.is(collected, 2, 'again')
  seconds(1)
  assert.is(collected, 2)
  seconds(1)
  assert.is(collected, 3, 'and again, as there is still as much')
  seconds(600)
  assert.is(collected, 3, 'what is left is in use')
  busy += 200
  seconds(2)
  assert.is(collected, 4, 'a tenth of the work')
  seconds(60)
  const before = collected
  dropped += 8 * MB
  seconds(1)
  assert.is(collected, before + 1, 'without work, for what was given up')
})

test('this process gives back what it has dropped', async () => {
  const heap = ownHeap(() => 0)
  const before = heap.bytes()
  const grownBy = () => Array.from({ length: 30 }, () => Buffer.alloc(MB)).length && heap.bytes() - before
  assert.ok(grownBy() >= 29 * MB)
  heap.collect()
  while (heap.bytes() - before >= 10 * MB) await new Promise(setImmediate)
})

test.run()
