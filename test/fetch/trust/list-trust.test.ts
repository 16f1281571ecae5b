import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { rootOf } from '../../../src/base/chunks.ts'
import { silentLog } from '../../../src/base/log.ts'
import { sha256 } from '../../../src/base/sha256.ts'
import { createChunkLists } from '../../../src/fetch/trust/chunk-lists.ts'
import { createListTrust } from '../../../src/fetch/trust/list-trust.ts'
import { chunkOf, listOf, makeContent, spoilt } from '../job/lab.ts'

const content = makeContent(4 * 65_536)
const file = { sha256: sha256(content), size: content.length, name: 'f' }
const good = listOf(content)
const bad = spoilt(content, 2)
const evil = listOf(bad)
const ann = { id: 'ann', address: '192.0.2.1:8048' }
const bob = { id: 'bob' }

function lab() {
  const banned: string[] = []
  const retired: string[] = []
  const inUse: string[] = []
  let rejected = 0
  const trust = createListTrust({ log: silentLog, lists: createChunkLists(file) }, file, {
    ban: ({ id, address }) => void banned.push(address ? `${id} ${address}` : id),
    onRetired: ({ root }) => void retired.push(root),
    onInUse: ({ root }) => void inUse.push(root),
    onRejected: () => void rejected++,
  })
  return { trust, banned, retired, inUse, rejected: () => rejected }
}

test('chunks are good that match the list in use; without a list nothing is known', () => {
  const { trust } = lab()
  assert.ok(trust.isGood(2, sha256(chunkOf(bad, 2))))
  trust.add(good, ann)
  assert.ok(trust.isGood(2, sha256(chunkOf(content, 2))))
  assert.not.ok(trust.isGood(2, sha256(chunkOf(bad, 2))))
})

test('the mirror decides: who says otherwise lied', () => {
  const { trust, banned, retired } = lab()
  trust.add(evil, ann)
  trust.add(good, bob)
  trust.decide(2, sha256(chunkOf(content, 2)))
  assert.equal(banned, ['ann 192.0.2.1:8048'])
  assert.equal(retired, [rootOf(evil)])
  assert.is(trust.inUse?.root, rootOf(good))
})

test('a mirror that agrees with no list decides nothing', () => {
  const { trust, banned } = lab()
  trust.add(evil, ann)
  trust.add(good, bob)
  trust.decide(2, sha256(Buffer.from('something else')))
  assert.equal(banned, [])
  assert.is(trust.inUse?.root, rootOf(evil))
})

test('the mirror contradicts a list, and the whole is right: it was a lie', () => {
  const { trust, banned, rejected } = lab()
  trust.add(evil, ann)
  trust.mirrorGave(0, sha256(chunkOf(content, 0)))
  assert.is(trust.inUse?.root, rootOf(evil))
  trust.mirrorGave(2, sha256(chunkOf(content, 2)))
  assert.is(trust.inUse, undefined)
  assert.equal(banned, [], 'not before it is known')
  trust.wholeRight()
  assert.equal(banned, ['ann 192.0.2.1:8048'])
  assert.is(rejected(), 1)
})

test('the mirror contradicts a list, and the whole is wrong: the mirror lied, the list is back', () => {
  const { trust, banned } = lab()
  const list = trust.add(good, ann)
  trust.mirrorGave(2, sha256(chunkOf(bad, 2)))
  assert.is(trust.wholeWrong(false), 'mirror')
  assert.is(trust.inUse, list)
  assert.equal(banned, [])
  trust.mirrorGave(0, sha256(chunkOf(content, 0)))
  assert.is(trust.inUse, list)
  assert.is(trust.wholeWrong(true), 'list', 'the mirror that lied is not held against it a second time')
})

test('a list that comes after the mirror’s bytes is held against them too', () => {
  const { trust } = lab()
  trust.mirrorGave(2, sha256(chunkOf(bad, 2)))
  trust.add(good, ann)
  assert.is(trust.inUse, undefined)
  trust.add(evil, bob)
  assert.is(trust.inUse?.root, rootOf(evil))
})

test('a list that takes another’s place is held against them too', () => {
  const { trust, retired } = lab()
  const third = listOf(spoilt(content, 1, 2))
  trust.add(evil, ann)
  trust.add(third, ann)
  trust.add(good, bob)
  trust.mirrorGave(2, sha256(chunkOf(content, 2)))
  assert.is(trust.inUse?.root, rootOf(good))
  assert.equal(retired.sort(), [rootOf(evil), rootOf(third)].sort())
})

for (const [why, withList, peersTookPart, blamed, bans] of [
  ['a list that peers’ chunks went by', true, true, 'list', 1],
  ['a list by which nothing came', true, false, 'nobody', 0],
  ['no list', false, true, 'nobody', 0],
] as const) {
  test(`the whole is wrong: ${why}`, () => {
    const { trust, banned } = lab()
    if (withList) trust.add(evil, ann)
    assert.is(trust.wholeWrong(peersTookPart), blamed)
    assert.is(banned.length, bans)
  })
}

test('bytes of a mirror that lied are not held against a list that comes later', () => {
  const { trust, banned } = lab()
  trust.mirrorGave(2, sha256(chunkOf(bad, 2)))
  assert.is(trust.wholeWrong(false), 'nobody')
  const list = trust.add(good, ann)
  assert.is(trust.inUse, list)
  trust.wholeRight()
  assert.equal(banned, [])
})

test.run()
