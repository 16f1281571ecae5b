import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createBufferPool } from '../../src/wire/pool.ts'

const MIB = 1024 * 1024

test('what was released is used again, at the length asked for', () => {
  const pool = createBufferPool()
  const first = pool.acquire(MIB)
  pool.release(first)
  const again = pool.acquire(MIB - 1)
  assert.is(again.buffer, first.buffer)
  assert.is(again.length, MIB - 1)
})

test('a buffer has one owner at a time, also when it is released twice', () => {
  const pool = createBufferPool()
  const first = pool.acquire(MIB)
  pool.release(first)
  pool.release(first)
  assert.is.not(pool.acquire(MIB).buffer, pool.acquire(MIB).buffer)
})

test('a part of a buffer gives back the whole; a stranger gives back nothing', () => {
  const pool = createBufferPool()
  const first = pool.acquire(64 * 1024)
  pool.release(first.subarray(5, 9))
  pool.release(Buffer.alloc(64 * 1024))
  assert.is(pool.acquire(64 * 1024).buffer, first.buffer)
  assert.is.not(pool.acquire(64 * 1024).buffer, first.buffer)
})

test('small chunks and large ones each have their size', () => {
  const pool = createBufferPool()
  assert.is(pool.acquire(64 * 1024).buffer.byteLength, 64 * 1024)
  assert.is(pool.acquire(64 * 1024 + 1).buffer.byteLength, MIB)
  assert.is(pool.acquire(10).length, 10)
})

test('it keeps no more than it was told to', () => {
  const pool = createBufferPool(2 * MIB)
  const out = [1, 2, 3].map(() => pool.acquire(MIB))
  for (const buffer of out) pool.release(buffer)
  assert.is(pool.dropped, MIB)
  const again = [1, 2, 3].map(() => pool.acquire(MIB).buffer)
  assert.is(again.filter((buffer) => out.some((one) => one.buffer === buffer)).length, 2)
})

test.run()
