import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { silentLog } from '../../../src/base/log.ts'
import { sha256 } from '../../../src/base/sha256.ts'
import { type Origin, openPartialFile } from '../../../src/fetch/file/partial-file.ts'
import { createChunkLists } from '../../../src/fetch/trust/chunk-lists.ts'
import { createWholeCheck } from '../../../src/fetch/trust/whole-check.ts'
import { createClock } from '../../clock.ts'
import { chunkOf, createMemoryHasher, createMemorySpool, listOf, makeContent, spoilt } from '../job/lab.ts'

const CHUNK = 64 * 1024
const content = makeContent(2 * CHUNK)
const bad = spoilt(content, 1)
const file = { sha256: sha256(content), size: content.length, name: 'some.pkg' }

async function setUp(blamed: 'mirror' | 'list' | 'nobody' = 'nobody', promised = content) {
  const spool = createMemorySpool()
  const partial = await openPartialFile(
    { spool, hasher: createMemoryHasher(spool.files), recycle() {} },
    { ...file, sha256: sha256(promised), size: promised.length },
    () => {},
  )
  const clock = createClock()
  const state = { turn: 0 }
  const bans: string[] = []
  const caught: string[][] = []
  const forgotten: number[] = []
  const suspects: string[] = []
  const told: (boolean | 'right')[] = []
  const whole = createWholeCheck(
    {
      clock,
      log: silentLog,
      partial,
      trust: {
        wholeRight: () => void told.push('right'),
        wholeWrong(peersTookPart) {
          told.push(peersTookPart)
          return blamed
        },
      },
    },
    file,
    {
      ban: ({ id }) => void bans.push(id),
      isBanned: (id) => bans.includes(id),
      onSuspicion: (of) => void suspects.push(of),
      onForgotten: () => void forgotten.push(partial.map.bytesLeft),
      turn: () => state.turn,
      onCaught: (who) => void caught.push(who),
    },
  )
  const keep = (chunk: number, origin: Origin, from: Buffer) => {
    const bytes = Buffer.from(chunkOf(from, chunk))
    return partial.keep(chunk, { origin, hash: sha256(bytes), bytes }, () => true)
  }
  return { partial, whole, keep, bans, suspects, told, caught, forgotten, clock, state }
}

test('a whole that is right tells who of the members lied', async () => {
  const { whole, keep, bans, told } = await setUp()
  whole.took(0, sha256(chunkOf(content, 0)), 'honest')
  whole.took(1, sha256(chunkOf(bad, 1)), 'liar')
  whole.took(1, sha256(chunkOf(bad, 1)), 'liar')
  await keep(0, 'peer', content)
  await keep(1, 'mirror', content)
  assert.ok(await whole.check())
  assert.equal(bans, ['liar'])
  assert.equal(told, ['right'])
})

for (const [why, first, second, blamed, suspect, left, peersTookPart] of [
  ['members before lists', 'member', 'peer', 'list', 'members', 1, undefined],
  ['the list, where peers took part', 'peer', 'peer', 'list', 'list', 2, true],
  ['the mirror, where it contradicted a list', 'peer', 'mirror', 'mirror', 'mirror', 0, true],
  ['nobody, where all came from the mirror', 'mirror', 'mirror', 'nobody', 'nobody', 0, false],
] as const)
  test(`the whole is wrong: ${why}`, async () => {
    const { partial, whole, keep, suspects, told } = await setUp(blamed)
    await keep(0, first, content)
    await keep(1, second, bad)
    assert.not.ok(await whole.check())
    assert.equal(suspects, [suspect])
    assert.is(partial.map.count, left)
    assert.equal(told, peersTookPart === undefined ? [] : [peersTookPart])
  })

test('a list that comes into use confirms the members’ chunks that it knows, and has the others forgotten', async () => {
  const { partial, whole, keep, forgotten } = await setUp()
  const list = createChunkLists(file).add(listOf(content), { id: 'holder' })
  await keep(0, 'member', content)
  await keep(1, 'member', bad)
  whole.hold(list!)
  assert.is(partial.originOf(0), 'peer')
  assert.is(partial.originOf(1), undefined)
  assert.equal(forgotten, [CHUNK], 'and others are to be told')
})

const eight = makeContent(8 * CHUNK)
const spoilt8 = spoilt(eight, 5, 6)

/** Two members gave four chunks each; the second spoilt two of them. */
async function crowd() {
  const set = await setUp('nobody', eight)
  for (let chunk = 0; chunk < 8; chunk++) {
    set.whole.took(chunk, sha256(chunkOf(spoilt8, chunk)), chunk < 4 ? 'honest' : 'liar')
    await set.keep(chunk, 'member', spoilt8)
  }
  const missing = () => [...Array(8).keys()].filter((chunk) => set.partial.originOf(chunk) === undefined)
  const fetchMissing = async () => {
    const chunks = missing()
    for (const chunk of chunks) await set.keep(chunk, 'mirror', eight)
    return chunks
  }
  return { ...set, missing, fetchMissing }
}

test('the whole is wrong on the word of several: a few chunks of each tell who lied, and only its own go', async () => {
  const { whole, bans, caught, suspects, fetchMissing } = await crowd()
  const fetched: number[] = []
  for (let round = 0; round < 4 && !(await whole.check()); round++) fetched.push(...(await fetchMissing()))
  assert.equal(caught, [['liar']])
  assert.equal(bans, ['liar'], 'once the whole is right')
  assert.ok(suspects.every((of) => of === 'members'))
  assert.ok(fetched.length <= 6, `${fetched}`)
})

test('what is here on the word of one who was banned meanwhile goes before the whole is looked at', async () => {
  const { whole, bans, suspects, missing } = await crowd()
  bans.push('liar')
  assert.not.ok(await whole.check())
  assert.equal(missing(), [4, 5, 6, 7])
  assert.equal(suspects, [])
})

test('others look first, one after another; a list that tells is enough', async () => {
  const { whole, clock, state, missing, partial } = await crowd()
  state.turn = 2
  let over: boolean | undefined
  void whole.check().then((right) => {
    over = right
  })
  for (let turn = 0; turn < 10; turn++) await Promise.resolve()
  clock.advance(3_999)
  for (let turn = 0; turn < 10; turn++) await Promise.resolve()
  assert.is(over, undefined)
  assert.equal(missing(), [])
  const list = createChunkLists({ ...file, sha256: sha256(eight), size: eight.length }).add(listOf(eight), {
    id: 'first',
  })
  whole.hold(list!)
  await new Promise((resolve) => setImmediate(resolve))
  assert.is(over, false)
  assert.equal(missing(), [5, 6])
  assert.is(partial.originOf(0), 'peer')
})

test('where no audit tells who lied, all that members gave goes', async () => {
  const { whole, keep, partial, suspects, missing } = await setUp('nobody', eight).then((set) => ({
    ...set,
    missing: () => [...Array(8).keys()].filter((chunk) => set.partial.originOf(chunk) === undefined),
  }))
  for (let chunk = 0; chunk < 8; chunk++) {
    whole.took(chunk, sha256(chunkOf(spoilt8, chunk)), `${chunk}`)
    await keep(chunk, 'member', spoilt8)
  }
  assert.not.ok(await whole.check())
  assert.is(missing().length, 8, 'one of each of eight is all')
  assert.equal(suspects, ['members'])
  assert.is(partial.bytesFrom.member, 0)
})

test.run()
