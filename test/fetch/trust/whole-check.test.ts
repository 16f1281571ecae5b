import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { silentLog } from '../../../src/base/log.ts'
import { sha256 } from '../../../src/base/sha256.ts'
import { type Origin, openPartialFile } from '../../../src/fetch/file/partial-file.ts'
import { createChunkLists } from '../../../src/fetch/trust/chunk-lists.ts'
import { createWholeCheck } from '../../../src/fetch/trust/whole-check.ts'
import { chunkOf, createMemoryHasher, createMemorySpool, listOf, makeContent, spoilt } from '../job/lab.ts'

const CHUNK = 64 * 1024
const content = makeContent(2 * CHUNK)
const bad = spoilt(content, 1)
const file = { sha256: sha256(content), size: content.length, name: 'some.pkg' }

async function setUp(blamed: 'mirror' | 'list' | 'nobody' = 'nobody') {
  const spool = createMemorySpool()
  const partial = await openPartialFile(
    { spool, hasher: createMemoryHasher(spool.files), recycle() {} },
    file,
    () => {},
  )
  const bans: string[] = []
  const suspects: string[] = []
  const told: (boolean | 'right')[] = []
  const whole = createWholeCheck(
    {
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
    { ban: ({ id }) => void bans.push(id), onSuspicion: (of) => void suspects.push(of) },
  )
  const keep = (chunk: number, origin: Origin, from: Buffer) => {
    const bytes = Buffer.from(chunkOf(from, chunk))
    return partial.keep(chunk, { origin, hash: sha256(bytes), bytes }, () => true)
  }
  return { partial, whole, keep, bans, suspects, told }
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
  const { partial, whole, keep } = await setUp()
  const list = createChunkLists(file).add(listOf(content), { id: 'holder' })
  await keep(0, 'member', content)
  await keep(1, 'member', bad)
  whole.hold(list!)
  assert.is(partial.originOf(0), 'peer')
  assert.is(partial.originOf(1), undefined)
})

test.run()
