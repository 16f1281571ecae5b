import { setImmediate as nextTurn } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { silentLog } from '../../../src/base/log.ts'
import { sha256 } from '../../../src/base/sha256.ts'
import { openPartialFile } from '../../../src/fetch/file/partial-file.ts'
import { type Arrival, createReception, judgeChunk } from '../../../src/fetch/job/reception.ts'
import type { Scheduler } from '../../../src/fetch/job/scheduler.ts'
import type { ChunkSource, SourceOwner, StreamSource } from '../../../src/fetch/sources/source.ts'
import { createChunkLists } from '../../../src/fetch/trust/chunk-lists.ts'
import { chunkOf, createMemoryHasher, createMemorySpool, listOf, makeContent, spoilt } from './lab.ts'

const CHUNK = 64 * 1024

const of = (change: Partial<Arrival>): Arrival => ({
  from: 'peer',
  isOnly: false,
  hasList: true,
  matches: true,
  onWord: false,
  ...change,
})
for (const [why, change, keepAs, noteWord, bound] of [
  ['a peer’s that is what the list says', {}, 'peer', false, true],
  ['a peer’s that is not', { matches: false }, undefined, false, false],
  ['a member’s that is what the list says', { onWord: true }, 'peer', false, true],
  ['a member’s that is not: its word is noted', { onWord: true, matches: false }, undefined, true, false],
  ['a member’s without a list', { hasList: false, onWord: true }, 'member', true, false],
  ['a server’s without a list', { hasList: false }, 'member', false, false],
  ['the mirror’s, whatever the list says', { from: 'mirror', matches: false }, 'mirror', false, false],
  ['the mirror’s without a list', { from: 'mirror', hasList: false }, 'mirror', false, false],
  ['the mirror’s that is all the file', { from: 'mirror', isOnly: true }, 'mirror', false, true],
  ['one that is not', { from: 'mirror', isOnly: true, matches: false }, undefined, false, false],
] as const)
  test(`judged: ${why}`, () => assert.equal(judgeChunk(of(change)), { keepAs, noteWord, bound }))

async function setUp({ size = 3 * CHUNK, voucher = undefined as string | undefined, later = false } = {}) {
  const content = makeContent(size)
  const file = { sha256: sha256(content), size, name: 'some.pkg' }
  const spool = createMemorySpool()
  const recycled: Uint8Array[] = []
  const recycle = (bytes: Uint8Array) => void recycled.push(bytes)
  const partial = await openPartialFile(
    {
      spool,
      hasher: {
        ...createMemoryHasher(spool.files),
        digest: (bytes: Uint8Array) => (later ? nextTurn().then(() => sha256(bytes)) : sha256(bytes)),
      },
      recycle,
    },
    file,
    () => {},
  )
  const lists = createChunkLists(file)
  const list = lists.add(listOf(content), { id: 'holder' })
  let inUse = list
  const told: string[] = []
  const say =
    (what: string) =>
    (...about: unknown[]) =>
      void told.push([what, ...about.filter((one) => typeof one !== 'object')].join(' '))
  const owner: SourceOwner = {
    role: 'holder',
    gone: say('gone'),
    rejected: say('owner: rejected'),
    vouchesFor: () => voucher,
  }
  const over = new AbortController()
  const reception = createReception(
    {
      log: silentLog,
      partial,
      scheduler: {
        ownerOf: () => owner,
        drop: say('drop'),
        arrived: say('arrived'),
        wasted: say('wasted'),
        pump() {},
      } as unknown as Scheduler,
      trust: {
        get inUse() {
          return inUse
        },
        isGood: (chunk, hash) => !inUse || hash === sha256(chunkOf(content, chunk)),
        mirrorGave: say('mirror gave'),
      },
      whole: { took: say('noted'), hold: say('held') },
      trace: { stage() {}, kept() {}, peers: [], fromSite: 0, from: () => [], close() {} },
      signal: over.signal,
      recycle,
    },
    {
      onKept: say('kept'),
      onPeerRejected: say('rejected'),
      onMirrorRejected: say('mirror rejected'),
      onFault: () => told.push('fault'),
    },
  )
  const peer = { kind: 'peer', label: 'ann' } as ChunkSource
  const mirror = { kind: 'mirror', label: 'm', settled: say('settled') } as unknown as StreamSource
  return {
    content,
    partial,
    reception,
    spool,
    told,
    recycled,
    over,
    peer,
    mirror,
    retire() {
      inUse = undefined
    },
    bytes: (chunk: number, from = content) => Buffer.from(chunkOf(from, chunk)),
  }
}

test('a good chunk is written, and then it is here', async () => {
  const { reception, peer, bytes, told, partial } = await setUp()
  reception.receive(peer, 1, bytes(1))
  assert.equal(told, [])
  await nextTurn()
  assert.equal(told, ['arrived 1', 'kept peer'])
  assert.ok(partial.map.has(1))
})

test('one that comes a second time is dropped, its buffer given back, its sender not blamed', async () => {
  const { reception, peer, mirror, bytes, told, recycled } = await setUp()
  reception.receive(peer, 1, bytes(1))
  reception.receive(mirror, 1, bytes(1))
  assert.equal(told, [`settled ${CHUNK}`, 'wasted 1'])
  assert.is(recycled.length, 1)
  await nextTurn()
  reception.receive(peer, 1, bytes(1))
  assert.is(told.at(-1), 'wasted 1')
})

test('of a wrong chunk its sender is left before its owner and all others hear of it', async () => {
  const { reception, peer, bytes, told, content, partial } = await setUp()
  reception.receive(peer, 1, bytes(1, spoilt(content, 1)))
  assert.equal(told, ['drop', 'owner: rejected false', 'rejected ann'])
  assert.ok(partial.map.isMissing(1))
})

test('while a chunk is hashed elsewhere it is not missing; a second copy is dropped', async () => {
  const { reception, peer, mirror, bytes, told, partial } = await setUp({ later: true })
  reception.receive(peer, 1, bytes(1))
  assert.not.ok(partial.map.isMissing(1))
  reception.receive(mirror, 1, bytes(1))
  assert.equal(told, [`settled ${CHUNK}`, 'wasted 1'])
  for (let turns = 0; turns < 3; turns++) await nextTurn()
  assert.equal(told.slice(2), ['arrived 1', 'kept peer'])
})

test('one hashed elsewhere that is wrong is missing again; at the job’s end its buffer goes back', async () => {
  const { reception, peer, bytes, told, content, partial, over, recycled } = await setUp({ later: true })
  reception.receive(peer, 1, bytes(1, spoilt(content, 1)))
  for (let turns = 0; turns < 3; turns++) await nextTurn()
  assert.equal(told, ['drop', 'owner: rejected false', 'rejected ann'])
  assert.ok(partial.map.isMissing(1))
  assert.is(partial.map.beingWritten, 0)
  reception.receive(peer, 0, bytes(0))
  over.abort()
  for (let turns = 0; turns < 3; turns++) await nextTurn()
  assert.is(recycled.length, 1)
  assert.not.ok(partial.map.has(0))
})

test('a wrong only chunk is wrong for sure', async () => {
  const { reception, peer, mirror, bytes, told, content } = await setUp({ size: 100 })
  reception.receive(peer, 0, bytes(0, spoilt(content, 0)))
  assert.equal(told, ['drop', 'owner: rejected true', 'rejected ann'])
  reception.receive(mirror, 0, bytes(0, spoilt(content, 0)))
  assert.is(told.at(-1), 'mirror rejected')
})

test('the mirror’s bytes are held against the lists before they are kept', async () => {
  const { reception, mirror, bytes, told } = await setUp()
  reception.receive(mirror, 1, bytes(1))
  await nextTurn()
  assert.match(told[0]!, /^mirror gave 1 /)
  assert.equal(told.slice(1), [`settled ${CHUNK}`, 'arrived 1', 'kept mirror'])
})

test('a chunk whose list has gone while it waited for the disk doesn’t count', async () => {
  const { reception, peer, bytes, told, retire, partial, spool } = await setUp({ size: 70 * CHUNK })
  let goOn = () => {}
  spool.holdWrites = new Promise((resolve) => {
    goOn = resolve
  })
  for (let chunk = 0; chunk < 64; chunk++) reception.receive(peer, chunk, bytes(chunk))
  await nextTurn()
  assert.is(partial.map.count, 64, 'so much may lie in memory')
  reception.receive(peer, 64, bytes(64))
  await nextTurn()
  assert.is(partial.map.beingWritten, 1)
  retire()
  goOn()
  await nextTurn()
  assert.is(told.at(-1), 'wasted 64')
  assert.ok(partial.map.isMissing(64))
})

test('a member’s word is noted where there is no list to say so', async () => {
  const { reception, peer, bytes, told, retire } = await setUp({ voucher: 'bob' })
  retire()
  reception.receive(peer, 1, bytes(1))
  await nextTurn()
  assert.match(told[0]!, /^noted 1 \w+ bob$/)
  assert.equal(told.slice(1), ['arrived 1', 'kept member'])
})

test('when the job is over nothing is kept', async () => {
  const { reception, peer, bytes, told, over, partial } = await setUp()
  over.abort()
  reception.receive(peer, 1, bytes(1))
  await nextTurn()
  assert.equal(told, ['wasted 1'])
  assert.is(partial.map.count, 0)
})

test('a full disk is told with the chunk after the one that it has no room for', async () => {
  const { reception, peer, bytes, told, spool, partial } = await setUp()
  spool.room = 0
  reception.receive(peer, 1, bytes(1))
  await partial.save()
  reception.receive(peer, 2, bytes(2))
  await nextTurn()
  assert.equal(told, ['arrived 1', 'kept peer', 'fault'])
  assert.equal([...spool.files.values()][0]!.noted, [], 'what is not there is not noted')
})

test.run()
