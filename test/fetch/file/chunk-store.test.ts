import { setImmediate as nextTurn } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { sha256 } from '../../../src/base/sha256.ts'
import { createChunkStore } from '../../../src/fetch/file/chunk-store.ts'
import type { FilePart } from '../../../src/fetch/file/whole-hash.ts'
import { chunkOf, createMemorySpool, makeContent } from '../job/lab.ts'

const CHUNK = 64 * 1024

/** A store over a spool in memory, of a file of so many chunks and ten bytes; what the hash is told is kept. */
async function setUp(chunks: number) {
  const content = makeContent(chunks * CHUNK + 10)
  const spool = createMemorySpool()
  const file = await spool.open({ sha256: 'x', name: 'x', size: content.length })
  const told: string[] = []
  const recycled: Uint8Array[] = []
  const hasher = {
    begin: () => ({
      advance(bytes: number, parts: FilePart[] = []) {
        told.push(`${bytes} with ${parts.map(({ at }) => at).join(' ')}`)
        for (const { release } of parts) release()
      },
      reset: () => void told.push('reset'),
      result: async () => sha256(spool.files.get('x')!.bytes),
      close() {},
    }),
    digest: sha256,
    async close() {},
  }
  const store = createChunkStore({ hasher, recycle: (bytes) => void recycled.push(bytes) }, file)
  const put = (chunk: number) => store.put(chunk, Buffer.from(chunkOf(content, chunk)))
  return { content, spool, store, put, told, recycled, disk: () => spool.files.get('x')!.bytes }
}

test('what was put is read at once from memory; the hash hears of it when it is on the disk, with the bytes', async () => {
  const { content, store, put, told, disk } = await setUp(3)
  put(0)
  put(1)
  store.advance(2)
  assert.equal(told, [])
  const read = Buffer.alloc(20)
  await store.read(read, CHUNK + 5)
  assert.ok(read.equals(content.subarray(CHUNK + 5, CHUNK + 25)))
  assert.ok(
    disk()
      .subarray(0, CHUNK)
      .every((byte) => byte === 0),
  )
  await store.flush()
  assert.equal(told, [`${2 * CHUNK} with 0 ${CHUNK}`])
  assert.ok(
    disk()
      .subarray(0, 2 * CHUNK)
      .equals(content.subarray(0, 2 * CHUNK)),
  )
})

test('a read over several chunks waits for what isn’t on the disk', async () => {
  const { content, store, put } = await setUp(3)
  put(0)
  put(1)
  const read = Buffer.alloc(20)
  await store.read(read, CHUNK - 10)
  assert.ok(read.equals(content.subarray(CHUNK - 10, CHUNK + 10)))
})

test('what is dropped isn’t lent; what was hashed is told anew after a reset', async () => {
  const { store, put, told } = await setUp(2)
  for (const chunk of [0, 1, 2]) put(chunk)
  store.advance(3)
  await store.flush()
  store.drop(1)
  store.reset()
  store.advance(1)
  assert.equal(told.slice(1), ['reset', `${CHUNK} with 0`])
  assert.is(store.lend(CHUNK), undefined)
  store.lend(0)!.release()
})

test('when the disk lags it is full; each buffer goes back once, when nobody needs it', async () => {
  const { store, put, spool, recycled } = await setUp(200)
  let goOn = () => {}
  spool.holdWrites = new Promise((resolve) => {
    goOn = resolve
  })
  for (let chunk = 0; chunk < 64; chunk++) put(chunk)
  assert.ok(store.isFull)
  await nextTurn()
  goOn()
  await store.flush()
  assert.not(store.isFull)
  for (let chunk = 64; chunk < 201; chunk++) put(chunk)
  await store.flush()
  store.close()
  assert.is(recycled.length, 201)
  assert.is(new Set(recycled).size, 201)
})

test.run()
