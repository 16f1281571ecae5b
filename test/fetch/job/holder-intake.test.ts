import { setImmediate as nextTurn } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { PacsrvError } from '../../../src/base/error.ts'
import { silentLog } from '../../../src/base/log.ts'
import { createHolderIntake } from '../../../src/fetch/job/holder-intake.ts'
import type { FileNetwork, FindFileOptions } from '../../../src/fetch/network.ts'
import { createPeerRecord } from '../../../src/fetch/sources/peer-record.ts'
import type { ChunkSource, SourceOwner } from '../../../src/fetch/sources/source.ts'
import { createChunkLists } from '../../../src/fetch/trust/chunk-lists.ts'
import type { Holder } from '../../../src/overlay/query/holders.ts'
import type { Asker } from '../../../src/transfer/asker.ts'
import { createClock } from '../../clock.ts'
import { listOf, makeContent, spoilt } from './lab.ts'

const CHUNK = 64 * 1024
const content = makeContent(2 * CHUNK)
const file = { sha256: 'f'.repeat(64), size: content.length, name: 'some.pkg' }
const good = listOf(content)

function setUp({ size = file.size, lists: said = {} as Record<string, Buffer> } = {}) {
  const over = new AbortController()
  const clock = createClock()
  const told: string[] = []
  const joined: { source: ChunkSource; owner: SourceOwner }[] = []
  const owners = new Map<ChunkSource, SourceOwner>()
  const decided: number[] = []
  const searches: { onHolder(holder: Holder): void; end(): void; beyond: boolean | undefined }[] = []
  const unreachable = new Set<string>()
  const record = createPeerRecord(clock)
  let sound = false
  let asMember: ChunkSource | undefined
  const lists = createChunkLists({ ...file, size })
  const network = {
    find: (_: unknown, { onHolder, beyond }: FindFileOptions) =>
      new Promise<void>((end) => searches.push({ onHolder, end, beyond })),
    async connect({ id }: Holder) {
      if (unreachable.has(id)) throw new PacsrvError('peer', 'refused')
      const asker = {
        session: { id, remote: '10.0.0.1:8048', link: { received: 0 } },
        manifest: async () => said[id] ?? good,
        onClose: () => () => {},
        cancel() {},
      }
      return asker as unknown as Asker
    },
    forget: ({ id }: { id: string }) => void told.push(`forget ${id}`),
    ban: ({ id }: { id: string }, reason: string) => void told.push(`ban ${id}: ${reason}`),
    isNeighbour: (id: string) => id === 'neighbour',
    record,
  } as unknown as FileNetwork
  const intake = createHolderIntake(
    {
      clock,
      log: silentLog,
      network,
      trust: {
        get inUse() {
          return lists.inUse
        },
        add: lists.add,
      },
      arbiter: { decide: async () => void decided.push(lists.all().length) },
    },
    { file: { ...file, size }, signal: over.signal },
    {
      join(make, owner) {
        const source = make({ onChunk() {}, onRefused() {}, onGone() {} })
        joined.push({ source, owner })
        owners.set(source, owner)
        return source
      },
      handOver: (source, owner) => void owners.set(source, owner),
      drop: (source) => void told.push(`drop ${source.label}`),
      isSound: () => sound,
      isServed: () => sound,
      onAdmitted: () => asMember,
      onFetching: ({ id }) => void told.push(`fetching ${id}`),
      onChange() {},
    },
  )
  const holder = (id: string, change: Partial<Holder> = {}): Holder => ({
    id,
    reachable: true,
    via: 'answer',
    file: { sha256: file.sha256, size, root: '', whole: true },
    ...change,
  })
  return {
    intake,
    told,
    joined,
    owners,
    decided,
    searches,
    unreachable,
    over,
    lists,
    holder,
    clock,
    record,
    proves() {
      sound = true
    },
    memberIs(source: ChunkSource) {
      asMember = source
    },
    async meet(...ids: string[]) {
      for (const id of ids) intake.meet(holder(id))
      await nextTurn()
    },
  }
}

test('who is found becomes a source when its list is known; who downloads it is another matter', async () => {
  const { intake, searches, joined, told, holder } = setUp()
  intake.search()
  assert.ok(intake.searching)
  searches[0]!.onHolder(holder('neighbour'))
  const file = { ...holder('bob').file, whole: false }
  searches[0]!.onHolder(holder('bob', { file }))
  assert.ok(intake.connecting)
  await nextTurn()
  assert.not.ok(intake.connecting)
  assert.is(joined.length, 1)
  assert.equal(told, ['fetching bob'])
  assert.ok(intake.live)
})

test('nobody is met twice, and no more than 24 are tried at once', async () => {
  const { meet, joined, intake, holder, clock } = setUp()
  await meet('ann', 'ann')
  assert.is(joined.length, 1)
  for (let n = 0; n < 30; n++) intake.meet(holder(`peer ${n}`, { address: `192.0.2.${n}:8048` }))
  await nextTurn()
  assert.is(joined.length, 24)
  clock.advance(600)
  await nextTurn()
  assert.is(joined.length, 31, 'who has given nothing makes room for the next')
})

test('a claim that proves nothing in 300 ms ends no search: all are asked', async () => {
  const { intake, searches, meet, clock } = setUp()
  intake.search()
  searches[0]!.end()
  await meet('ann')
  clock.advance(299)
  assert.is(searches.length, 1)
  clock.advance(1)
  assert.is(searches.length, 2)
  assert.ok(searches[1]!.beyond)
})

test('of who was asked in vain before nothing is hoped: others are searched for, and it is a source all the same', async () => {
  const { intake, searches, meet, record, joined } = setUp()
  record.note('neighbour', 'silent')
  intake.search()
  await meet('neighbour')
  assert.equal([intake.firstAt, intake.live, intake.connecting], [undefined, false, false])
  assert.equal(
    joined.map(({ owner }) => owner.suspect),
    [true],
  )
  searches[0]!.end()
  await nextTurn()
  assert.ok(searches[1]!.beyond)
})

test('what a holder does with what it was asked for is remembered, also of its address', async () => {
  const { meet, record, joined } = setUp()
  await meet('ann')
  joined[0]!.owner.stood?.('late')
  assert.ok(record.isSilent('ann'))
  assert.ok(record.isSilent('another', '10.0.0.1:8048' as never))
})

test('a claim that is proved by then is enough', async () => {
  const { intake, searches, meet, clock, proves } = setUp()
  intake.search()
  searches[0]!.end()
  await meet('ann')
  proves()
  clock.advance(2_000)
  assert.is(searches.length, 1)
})

test('who goes by another list is let in when the first proves false, and the others are let go', async () => {
  const other = listOf(spoilt(content, 1))
  const { meet, joined, decided, told, lists, intake } = setUp({ lists: { bob: other } })
  await meet('ann', 'bob')
  assert.is(joined.length, 1)
  assert.equal(decided, [2], 'lists to decide between')
  const list = lists.inUse!
  lists.drop(list)
  intake.dismiss(list)
  assert.equal(told, [`drop ${joined[0]!.source.label}`])
  assert.is(joined.length, 2)
})

test('a list of the wrong length gets its sender banned', async () => {
  const { meet, joined, told } = setUp({ lists: { ann: Buffer.alloc(32) } })
  await meet('ann')
  assert.is(joined.length, 0)
  assert.match(told[0]!, /^ban ann: its chunk list of some.pkg is none of a file of this size/)
})

test('a wrong chunk gets its sender banned and forgotten; one that only went is forgotten', async () => {
  const { meet, joined, told } = setUp()
  await meet('ann', 'bob')
  joined[0]!.owner.rejected(false)
  assert.equal(told.splice(0), ['forget ann', 'ban ann: it sent a wrong chunk of some.pkg'])
  joined[1]!.owner.gone()
  assert.equal(told, ['forget bob'])
  assert.is(joined[0]!.owner.vouchesFor(0), undefined)
})

test('when all who were found are gone others are searched for, twice at most', async () => {
  const { intake, searches, unreachable, meet } = setUp()
  intake.search()
  for (const id of ['ann', 'bob', 'cid', 'dan']) {
    unreachable.add(id)
    await meet(id)
    searches.at(-1)!.end()
    await nextTurn()
  }
  assert.is(searches.length, 3)
})

test('a member that has come to have it whole keeps its source, which is the holder’s now', async () => {
  const { meet, joined, owners, memberIs } = setUp()
  const source = { kind: 'peer', label: 'ann' } as ChunkSource
  memberIs(source)
  await meet('ann')
  assert.is(joined.length, 0)
  assert.is(owners.get(source)?.role, 'holder')
})

test('a companion that couldn’t be asked yet may be met again', async () => {
  const { intake, unreachable, joined, holder } = setUp()
  unreachable.add('ann')
  intake.meet(holder('ann', { companion: true }))
  await nextTurn()
  unreachable.clear()
  intake.meet(holder('ann', { companion: true }))
  await nextTurn()
  assert.is(joined.length, 1)
})

test('of a file of one chunk no list is asked for', async () => {
  const { meet, joined } = setUp({ size: 10, lists: { ann: Buffer.alloc(1) } })
  await meet('ann')
  assert.is(joined.length, 1)
})

test('when the job is over nobody is let in', async () => {
  const { meet, joined, over, intake, holder } = setUp()
  intake.meet(holder('ann'))
  over.abort()
  await nextTurn()
  await meet('bob')
  assert.is(joined.length, 0)
})

test.run()
