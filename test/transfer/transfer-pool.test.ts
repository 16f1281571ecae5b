import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { silentLog } from '../../src/base/log.ts'
import type { LinkHandler } from '../../src/net/transport.ts'
import type { Holder } from '../../src/overlay/query/holders.ts'
import type { Session } from '../../src/overlay/session/session.ts'
import { createSharedReads } from '../../src/transfer/shared-reads.ts'
import { createTransferPool } from '../../src/transfer/transfer-pool.ts'
import type { Turn } from '../../src/transfer/upload-queue.ts'
import type { Have } from '../../src/wire/messages.ts'
import { createBufferPool } from '../../src/wire/pool.ts'
import { createClock } from '../clock.ts'

function createFakeSession(id: string, outbound: boolean, remote = '192.0.2.1:8048') {
  let handler: LinkHandler | undefined
  const state = { closedWith: undefined as string | undefined }
  const recycled: Uint8Array[] = []
  const session = {
    id,
    outbound,
    remote,
    capabilities: [],
    link: { received: 0, send: () => true, recycle: (bytes: Uint8Array) => void recycled.push(bytes) },
    send: () => true,
    handle: (given: LinkHandler) => {
      handler = given
    },
    close(reason: string) {
      state.closedWith = reason
      handler?.onClose(new Error(reason))
    },
  } as unknown as Session
  return {
    session,
    state,
    recycled,
    tell: (message: Parameters<LinkHandler['onMessage']>[0]) => handler!.onMessage(message),
  }
}

function start({ fails = false, onHave = (_: Have) => {} } = {}) {
  const took: [string, number][] = []
  const clock = createClock()
  const dialled: ReturnType<typeof createFakeSession>[] = []
  const transfers = createTransferPool(
    {
      async connect({ id }) {
        if (fails) throw new Error('refused')
        const made = createFakeSession(id, true)
        dialled.push(made)
        return made.session
      },
      holdings: { open: async () => undefined, signature: async () => undefined },
      turns: { take: (_address: string, turn: Turn) => void turn(() => () => {}) },
      clock,
      log: silentLog,
      reads: createSharedReads(createBufferPool()),
    },
    {
      onUploaded() {},
      onDownloaded: (bytes, { id }) => void took.push([id, bytes]),
      onHave: (_, have) => onHave(have),
    },
  )
  return { clock, dialled, transfers, took }
}
const holder = (id: string) => ({ id }) as Holder
const get = { type: 'get', request: 1, sha256: 'a'.repeat(64), chunk: 0 } as const

test('one connection to a node, however many ask for it; another for another', async () => {
  const { transfers, dialled } = start()
  const [a, b, c] = await Promise.all([
    transfers.to(holder('x')),
    transfers.to(holder('x')),
    transfers.to(holder('y')),
  ])
  assert.is(a, b)
  assert.is.not(a, c)
  assert.is(await transfers.to(holder('x')), a)
  assert.is(dialled.length, 2)
})

test('what a node gives is told of with its name, and nothing else that it sends', async () => {
  const { transfers, dialled, took } = start()
  const asker = await transfers.to(holder('x'))
  const request = asker.chunk(get.sha256, 0, () => {})
  const [{ tell }] = dialled as [ReturnType<typeof createFakeSession>]
  tell({ type: 'chunk', request, payload: new Uint8Array(7) })
  tell({ type: 'refuse', request, reason: 'absent' })
  tell(get)
  assert.equal(took, [['x', 7]])
})

test('what nobody asked for, or keeps, is received into again, and counts for nothing', async () => {
  const heard: Have[] = []
  const { transfers, dialled, took } = start({ onHave: (have) => heard.push(have) })
  const asker = await transfers.to(holder('x'))
  const request = asker.chunk(get.sha256, 0, () => {})
  const [{ tell, recycled }] = dialled as [ReturnType<typeof createFakeSession>]
  const [asked, unasked, late, have, manifest] = [1, 2, 3, 4, 5].map((n) => new Uint8Array(2).fill(n))
  tell({ type: 'chunk', request: request + 7, payload: unasked! })
  tell({ type: 'chunk', request, payload: asked! })
  tell({ type: 'chunk', request, payload: late! })
  tell({ type: 'have', sha256: get.sha256, payload: have! })
  tell({ type: 'manifest', request, payload: manifest! })
  assert.equal(recycled, [unasked, late, have, manifest])
  assert.equal(took, [['x', 2]])
  assert.is(heard.length, 1)
})

test('a connection that failed is tried again', async () => {
  const { transfers } = start({ fails: true })
  for (let round = 0; round < 2; round++) {
    await transfers.to(holder('x')).then(
      () => assert.unreachable(),
      (error) => assert.is(error.message, 'refused'),
    )
  }
})

test('a connection that was lost is made anew', async () => {
  const { transfers, dialled } = start()
  const before = await transfers.to(holder('x'))
  dialled[0]!.session.close('lost')
  assert.is.not(await transfers.to(holder('x')), before)
})

test('an idle connection is closed after 30 s, one that is owed an answer is not; no timer stays', async () => {
  const { transfers, dialled, clock } = start()
  const asker = await transfers.to(holder('x'))
  const request = asker.chunk(get.sha256, 0, () => {})
  clock.advance(90_000)
  assert.is(dialled[0]!.state.closedWith, undefined)
  asker.cancel(request)
  dialled[0]!.tell(get)
  clock.advance(29_999)
  assert.is(dialled[0]!.state.closedWith, undefined)
  clock.advance(30_001)
  assert.is(dialled[0]!.state.closedWith, 'idle')
  assert.not.ok(clock.step())
})

test('one stranger too many: the one idle longest goes, unless all are busy', async () => {
  const { transfers, clock } = start()
  const guests = Array.from({ length: 102 }, (_, n) => createFakeSession(`${n}`, false, `192.0.2.${n}:8048`))
  for (const guest of guests.slice(0, 100)) transfers.accept(guest.session)
  transfers.accept(guests[100]!.session)
  assert.is(guests[100]!.state.closedWith, 'too many transfers')
  clock.advance(1_000)
  guests[0]!.tell(get)
  transfers.accept(guests[101]!.session)
  assert.equal(
    [guests[0], guests[1], guests[101]].map((guest) => guest!.state.closedWith),
    [undefined, 'others wait', undefined],
  )
})

test('where all are busy an address with many connections gives one up to an address with none', () => {
  const { transfers } = start()
  const guests = Array.from({ length: 100 }, (_, n) =>
    createFakeSession(`${n}`, false, `192.0.2.${Math.floor(n / 16)}:8048`),
  )
  for (const guest of guests) transfers.accept(guest.session)
  const other = createFakeSession('another', false, '192.0.2.200:8048')
  transfers.accept(other.session)
  assert.is(other.state.closedWith, undefined)
  assert.equal(
    guests.flatMap(({ state }) => state.closedWith ?? []),
    ['others wait'],
  )
})

for (const [what, addresses] of [
  ['one address', ['192.0.2.1:1', '192.0.2.1:2']],
  ['one IPv6 /64', ['[2001:db8::1]:1', '[2001:db8::2]:1']],
] as const) {
  test(`${what} has sixteen connections; one more is turned away while all are used`, () => {
    const { transfers, clock } = start()
    const guests = Array.from({ length: 18 }, (_, n) => createFakeSession(`${n}`, false, addresses[n % 2]))
    for (const guest of guests.slice(0, 17)) transfers.accept(guest.session)
    assert.equal(
      guests.map(({ state }) => state.closedWith),
      [...Array(16).fill(undefined), 'too many transfers', undefined],
    )
    const other = createFakeSession('another', false, '192.0.2.9:1')
    transfers.accept(other.session)
    assert.is(other.state.closedWith, undefined)
    clock.advance(1_000)
    transfers.accept(guests[17]!.session)
    assert.equal(
      [guests[0], guests[17]].map((guest) => guest!.state.closedWith),
      ['others wait', undefined],
    )
  })
}

test('near by, where a /64 is a whole site, each machine has its own', () => {
  const { transfers } = start()
  const guests = Array.from({ length: 40 }, (_, n) =>
    createFakeSession(`${n}`, false, `[fd00::${n + 1}]:8048`),
  )
  for (const guest of guests) transfers.accept(guest.session)
  assert.equal(
    guests.flatMap(({ state }) => state.closedWith ?? []),
    [],
  )
})

test('a session opened before it was known with whom is the one to ask on; a second is closed', async () => {
  const { transfers, dialled } = start()
  const [kept, second] = [createFakeSession('x', true), createFakeSession('x', true)]
  transfers.keep(kept.session)
  transfers.keep(second.session)
  assert.is((await transfers.to(holder('x'))).session, kept.session)
  assert.is(dialled.length, 0)
  assert.is(second.state.closedWith, 'duplicate')
})

test('what is said of several files at once is heard file by file; what is missing of it is passed over', async () => {
  const heard: [string, string][] = []
  const { transfers, dialled } = start({
    onHave: ({ sha256, payload }) => void heard.push([sha256, Buffer.from(payload).toString('hex')]),
  })
  await transfers.to(holder('x'))
  const files = ['a', 'b', 'c'].map((digit) => ({ sha256: digit.repeat(64), bytes: 2 }))
  dialled[0]!.tell({ type: 'haves', files, payload: Buffer.from('01020304', 'hex') })
  assert.equal(heard, [
    ['a'.repeat(64), '0102'],
    ['b'.repeat(64), '0304'],
  ])
})

test('closing closes all', async () => {
  const { transfers, dialled, clock } = start()
  await transfers.to(holder('x'))
  transfers.close()
  assert.is(dialled[0]!.state.closedWith, 'shutting down')
  assert.not.ok(clock.step())
})

test.run()
