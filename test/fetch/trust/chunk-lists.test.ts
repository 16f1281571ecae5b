import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { HASH_BYTES } from '../../../src/base/chunks.ts'
import { sha256 } from '../../../src/base/sha256.ts'
import { createChunkLists, hashOf } from '../../../src/fetch/trust/chunk-lists.ts'
import { chunkOf, listOf, makeContent, spoilt } from '../job/lab.ts'

const content = makeContent(3 * 65_536 + 5)
const file = { sha256: sha256(content), size: content.length }
const honest = listOf(content)
const evil = listOf(spoilt(content, 2))
const ann = { id: 'a'.repeat(64) }
const bob = { id: 'b'.repeat(64) }

test('the first list is in use; others stand by, each with its vouchers', () => {
  const lists = createChunkLists(file)
  assert.is(lists.inUse, undefined)
  const first = lists.add(evil, ann)
  const second = lists.add(honest, bob)
  assert.is(lists.add(honest, ann), second)
  assert.is(lists.inUse, first)
  assert.equal(second!.vouchers, [bob, ann])
  assert.is(lists.firstDifference(second!), 2)
  assert.is(lists.firstDifference(first!), undefined)
  lists.drop(first!)
  assert.is(lists.inUse, second)
  lists.drop(second!)
  assert.is(lists.inUse, undefined)
  assert.is(lists.firstDifference(second!), undefined)
  lists.restore(first!)
  assert.is(lists.inUse, first)
})

test('a list of another length is no list', () => {
  const lists = createChunkLists(file)
  for (const bytes of [honest.subarray(HASH_BYTES), Buffer.concat([honest, honest]), Buffer.alloc(0)]) {
    assert.is(lists.add(bytes, ann), undefined)
  }
  assert.is(lists.inUse, undefined)
})

test('chunks are checked against a list that lies anywhere in a buffer', () => {
  const lists = createChunkLists(file)
  const shifted = Buffer.concat([Buffer.alloc(7), honest]).subarray(7)
  const list = lists.add(shifted, ann)!
  for (let chunk = 0; chunk < 4; chunk++) assert.is(hashOf(list, chunk), sha256(chunkOf(content, chunk)))
  assert.is.not(hashOf(list, 2), sha256(chunkOf(spoilt(content, 2), 2)))
  assert.is(hashOf(list, 3), sha256(chunkOf(content, 3)))
})

test('a file of one chunk has one list from the start, and takes no other', () => {
  const tiny = makeContent(65_536)
  const lists = createChunkLists({ sha256: sha256(tiny), size: tiny.length })
  assert.is(hashOf(lists.inUse!, 0), sha256(tiny))
  const false1 = Buffer.alloc(HASH_BYTES, 1)
  assert.is(lists.add(false1, ann), undefined)
  assert.is(lists.add(lists.inUse!.hashes, ann), lists.inUse)
})

test.run()
