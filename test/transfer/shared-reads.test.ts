import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createSharedReads } from '../../src/transfer/shared-reads.ts'
import { createBufferPool } from '../../src/wire/pool.ts'

const CHUNK = 64 * 1024
const KEEP = 4 * CHUNK

function start() {
  const inner = createBufferPool()
  const lent = new Set<ArrayBufferLike>()
  const pool = {
    acquire(length: number) {
      const buffer = inner.acquire(length)
      lent.add(buffer.buffer)
      return buffer
    },
    release(buffer: Uint8Array) {
      assert.ok(lent.delete(buffer.buffer), 'released twice')
      inner.release(buffer)
    },
    dropped: 0,
  }
  const reads: string[] = []
  const shared = createSharedReads(pool, KEEP)
  const get = (key: string) =>
    shared.get(key, CHUNK, async (buffer) => {
      reads.push(key)
      await new Promise((resolve) => setImmediate(resolve))
      buffer.fill(key.charCodeAt(0))
    })
  return { shared, get, reads, lent }
}

test('fifteen who ask for the same chunk cost one read, and each gets the bytes', async () => {
  const { get, reads, lent } = start()
  const all = await Promise.all(Array.from({ length: 15 }, () => get('a')))
  assert.equal(reads, ['a'])
  for (const { bytes } of all) assert.is(bytes[0], 'a'.charCodeAt(0))
  for (const { release } of all) release()
  await (await get('a')).release()
  assert.equal(reads, ['a'], 'it is kept for a while')
  assert.is(lent.size, 1)
})

test('what is kept is bounded, and what is lent is not used for another', async () => {
  const { get, reads, lent } = start()
  const first = await get('0')
  for (const key of '1234') (await get(key)).release()
  assert.is(lent.size, 5, 'four kept, one lent')
  assert.is(first.bytes[0], '0'.charCodeAt(0))
  first.release()
  assert.is(lent.size, 4)
  await get('0')
  assert.equal(reads, ['0', '1', '2', '3', '4', '0'])
})

test('other bytes of the same file are other bytes', async () => {
  const { get, reads } = start()
  await get('file 1 0')
  await get('file 2 0')
  assert.is(reads.length, 2)
})

test('a read that fails fails for all who waited, is not kept, and leaks nothing', async () => {
  const { shared, get, reads, lent } = start()
  const failing = () => shared.get('a', CHUNK, () => Promise.reject(new Error('gone')))
  const outcomes = await Promise.allSettled([failing(), failing()])
  assert.equal(
    outcomes.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  assert.is(lent.size, 0)
  ;(await get('a')).release()
  assert.equal(reads, ['a'])
})

test.run()
