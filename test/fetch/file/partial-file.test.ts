import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { PacsrvError } from '../../../src/base/error.ts'
import { sha256 } from '../../../src/base/sha256.ts'
import { type Origin, openPartialFile } from '../../../src/fetch/file/partial-file.ts'
import { chunkOf, createMemoryHasher, createMemorySpool, makeContent, spoilt } from '../job/lab.ts'

const CHUNK = 64 * 1024
const content = makeContent(3 * CHUNK + 10)
const file = { sha256: sha256(content), size: content.length, name: 'some.pkg' }
const wanted = () => true

async function setUp(spool = createMemorySpool()) {
  let forgotten = 0
  const recycled: Uint8Array[] = []
  const partial = await openPartialFile(
    { spool, hasher: createMemoryHasher(spool.files), recycle: (bytes) => void recycled.push(bytes) },
    file,
    () => forgotten++,
  )
  const keep = (chunk: number, origin: Origin = 'peer', from = content, stillWanted = wanted) => {
    const bytes = Buffer.from(chunkOf(from, chunk))
    return partial.keep(chunk, { origin, hash: sha256(bytes), bytes }, stillWanted)
  }
  return { partial, keep, spool, recycled, forgotten: () => forgotten }
}

test('a chunk is readable at once, on whatever it waits to be written; but for the last before the whole is right', async () => {
  const { partial, keep, spool } = await setUp()
  spool.holdWrites = new Promise(() => {})
  assert.ok(await keep(0))
  assert.ok(partial.map.has(0))
  const read = Buffer.alloc(100)
  await partial.read(read, 50)
  assert.ok(read.equals(content.subarray(50, 150)))
  const lent = partial.lend(10)!
  assert.ok(Buffer.from(lent.bytes).equals(content.subarray(10, CHUNK)))
  lent.release()
  delete spool.holdWrites
  assert.is(partial.readable, CHUNK)
  for (const chunk of [1, 2, 3]) await keep(chunk)
  assert.is(partial.readable, 3 * CHUNK)
  assert.ok(await partial.isRight())
  assert.is(partial.readable, content.length)
})

test('certain is what a mirror gave, from wherever on; all but the last chunk, and all once the whole is right', async () => {
  const { partial, keep } = await setUp()
  const to = (position: number, most = content.length) => partial.certainTo(position, most)
  assert.is(to(0), 0)
  for (const [chunk, origin] of [
    [0, 'mirror'],
    [1, 'member'],
    [2, 'mirror'],
    [3, 'mirror'],
  ] as const)
    await keep(chunk, origin)
  assert.equal([to(0), to(10), to(0, 100)], [CHUNK, CHUNK, 100])
  assert.equal([to(CHUNK), to(CHUNK + 5), to(2 * CHUNK - 1)], [CHUNK, CHUNK + 5, 2 * CHUNK - 1])
  assert.equal([to(2 * CHUNK), to(3 * CHUNK), to(3 * CHUNK + 9)], [3 * CHUNK, 3 * CHUNK, 3 * CHUNK + 9])
  partial.confirm(1)
  assert.is(to(CHUNK), CHUNK, 'who vouches for a list may lie')
  assert.ok(await partial.isRight())
  assert.equal([to(0), to(5, 7), to(3 * CHUNK + 9)], [content.length, 12, content.length])
})

test('what is no longer wanted doesn’t count, and its buffer goes back', async () => {
  const { partial, keep, recycled } = await setUp()
  assert.not.ok(await keep(0, 'peer', content, () => false))
  assert.ok(partial.map.isMissing(0))
  assert.is(partial.originOf(0), undefined)
  assert.is(recycled.length, 1)
})

test('bytes are counted by where they came from; a member’s become a peer’s when they are confirmed', async () => {
  const { partial, keep } = await setUp()
  await keep(0, 'member')
  await keep(3, 'mirror')
  assert.equal(partial.bytesFrom, { peer: 0, member: CHUNK, mirror: 10, spool: 0 })
  partial.confirm(0)
  partial.confirm(3)
  assert.equal(partial.bytesFrom, { peer: CHUNK, member: 0, mirror: 10, spool: 0 })
})

test('what is forgotten is as if it had never come; who reads is told, if there was any', async () => {
  const { partial, keep, forgotten } = await setUp()
  await keep(0)
  await keep(1, 'mirror', spoilt(content, 1))
  partial.forget((origin) => origin === 'member')
  assert.equal([forgotten(), partial.generation], [0, 0])
  partial.forget((origin) => origin === 'mirror')
  assert.equal([forgotten(), partial.generation], [1, 1])
  assert.ok(partial.map.isMissing(1))
  assert.is(partial.readable, CHUNK)
  for (const chunk of [1, 2, 3]) await keep(chunk)
  assert.ok(await partial.isRight(), 'the wrong bytes are hashed no more')
})

test('a whole that is wrong is not right, and the last chunk stays back', async () => {
  const { partial, keep } = await setUp()
  for (const chunk of [0, 1, 2, 3]) await keep(chunk, 'peer', spoilt(content, 2))
  assert.not.ok(await partial.isRight())
  assert.is(partial.readable, 3 * CHUNK)
})

test('what an earlier invocation left is there at once, and isn’t handed to the next unless it is worth it', async () => {
  const first = await setUp()
  await first.keep(2)
  await first.partial.close()
  const second = await setUp(first.spool)
  assert.is(second.partial.originOf(2), 'spool')
  assert.is(second.partial.map.count, 1)
  second.partial.forget(() => true)
  await second.partial.close()
  const third = await setUp(first.spool)
  assert.is(third.partial.map.count, 0)
})

test('its chunk hashes are told when it is complete, if all are known', async () => {
  const { partial, keep } = await setUp()
  for (const chunk of [0, 1, 2, 3]) await keep(chunk)
  const hashes = partial.completed({ fromPeers: 1, fromSite: 0, fromMirror: 0, peers: ['a'] })
  assert.is(hashes?.length, 4 * 32)
})

test('only what was written is noted, and nothing twice', async () => {
  const { partial, keep, spool } = await setUp()
  await keep(0)
  await keep(1)
  const noted = () => spool.files.get(file.sha256)!.noted
  assert.equal(noted(), [])
  await partial.save()
  assert.equal(noted(), [0, 1])
  assert.ok(
    spool.files
      .get(file.sha256)!
      .bytes.subarray(0, 2 * CHUNK)
      .equals(content.subarray(0, 2 * CHUNK)),
  )
  spool.files.get(file.sha256)!.noted = []
  await partial.save()
  assert.equal(noted(), [], 'nothing has changed since')
  partial.forget((_, chunk) => chunk === 0)
  await partial.save()
  assert.equal(noted(), [1])
})

test('a chunk that came again, after it was forgotten, is what is written and hashed', async () => {
  const { partial, keep, spool } = await setUp()
  for (const chunk of [0, 1, 2, 3]) await keep(chunk, 'member', spoilt(content, 1))
  partial.forget((_, chunk) => chunk === 1)
  await keep(1)
  assert.ok(await partial.isRight())
  assert.ok(spool.files.get(file.sha256)!.bytes.equals(content))
})

test('a disk that is full is an error of the spool, for the check and for all that come later', async () => {
  const spool = createMemorySpool()
  const { partial, keep } = await setUp(spool)
  spool.room = 0
  await keep(0)
  for (const what of [() => partial.isRight(), () => keep(1)]) {
    try {
      await what()
      assert.unreachable()
    } catch (error) {
      assert.is((error as PacsrvError).code, 'spool')
    }
  }
  await partial.close()
})

test.run()
