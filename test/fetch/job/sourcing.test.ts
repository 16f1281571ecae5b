import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { silentLog } from '../../../src/base/log.ts'
import type { JobDeps, JobOrder } from '../../../src/fetch/job/order.ts'
import type { Scheduler } from '../../../src/fetch/job/scheduler.ts'
import { createSourcing } from '../../../src/fetch/job/sourcing.ts'
import type { FileNetwork, PresenceHandler } from '../../../src/fetch/network.ts'
import { createPeerRecord } from '../../../src/fetch/sources/peer-record.ts'
import type { ListTrust } from '../../../src/fetch/trust/list-trust.ts'
import type { Holder } from '../../../src/overlay/query/holders.ts'
import type { HeldFile } from '../../../src/wire/messages.ts'
import { createClock } from '../../clock.ts'

const file = { sha256: 'f'.repeat(64), size: 200_000, name: 'some.pkg' }
const held: HeldFile = { sha256: file.sha256, size: file.size, root: '0'.repeat(64), whole: false }
const holder = (id: string, whole: boolean): Holder => ({
  id,
  reachable: true,
  via: 'announced',
  companion: true,
  file: { ...held, whole },
})

/** What a job does to find its peers, told in order; no connection is ever made. */
function setUp({ withServers = false } = {}) {
  const clock = createClock()
  const over = new AbortController()
  const told: string[] = []
  let presence: PresenceHandler | undefined
  const network = {
    id: '5'.repeat(64),
    find() {
      told.push('search')
      return new Promise<void>(() => {})
    },
    connect({ id }: Holder) {
      told.push(`dial ${id}`)
      return new Promise<never>(() => {})
    },
    existing: () => undefined,
    isNeighbour: () => true,
    hasCompanions: () => true,
    isBanned: () => false,
    record: createPeerRecord(clock),
    join(says: () => HeldFile, handler: PresenceHandler) {
      told.push(`place: ${says().whole}`)
      presence = handler
      return { leave: (whole: HeldFile | undefined) => void told.push(`left: ${whole?.whole}`) }
    },
  } as unknown as FileNetwork
  const scheduler = {
    trimMirrors: () => void told.push('trim'),
    pump: () => void told.push('pump'),
    isSound: () => false,
  } as unknown as Scheduler
  const trust = { inUse: undefined } as unknown as ListTrust
  const pacserve = { search: () => ({ begin: () => void told.push('servers') }) }
  const deps = {
    clock,
    log: silentLog,
    network,
    openMirror: undefined,
    downloads: undefined,
    pacserve: withServers ? pacserve : undefined,
  }
  const sourcing = createSourcing(
    {
      ...(deps as unknown as Pick<
        JobDeps,
        'clock' | 'log' | 'network' | 'pacserve' | 'openMirror' | 'downloads'
      >),
      scheduler,
      trust,
      signal: over.signal,
    },
    { file, mirrors: [], environment: {} } as unknown as JobOrder,
    {
      held: () => held,
      maps: () => ({ hand: new Uint8Array(4), own: new Uint8Array(4) }),
      mine: () => ({ able: true, has: () => false, own: () => false, rate: 0, rateBefore: 0 }),
      isServed: () => false,
      onChange: () => void told.push('change'),
    },
  )
  const news = () => told.splice(0)
  return { clock, sourcing, news, presence: () => presence! }
}

test('a job takes its place among those who download the file, and asks around, all at once', () => {
  const { sourcing, news } = setUp({ withServers: true })
  assert.equal(news(), [])
  sourcing.begin()
  assert.equal(news(), ['place: false', 'servers', 'search'])
  const { sourcing: alone } = setUp()
  assert.is(alone.servers, undefined)
})

test('who announces a download is a member to be, who announces the whole is a holder to dial', () => {
  const { clock, sourcing, news, presence } = setUp()
  sourcing.begin()
  news()
  presence().onAnnounced(holder('a', false))
  assert.ok(sourcing.members.any, 'it is reckoned with before it has said how far it is')
  assert.is(sourcing.intake.firstAt, undefined)
  presence().onAnnounced(holder('b', true))
  assert.ok(news().includes('dial b'))
  assert.is(sourcing.intake.firstAt, clock.now())
})

test('many news in one turn have one consequence', () => {
  const { clock, sourcing, news, presence } = setUp()
  sourcing.begin()
  for (const id of ['a', 'b', 'c']) presence().onAnnounced(holder(id, false))
  for (const id of ['a', 'b', 'c']) presence().onWithdrawn(id)
  news()
  clock.advance(0)
  assert.equal(news(), ['trim', 'change', 'pump'])
})

test('a job that is over leaves its place, with the file if it has it, and does nothing more', () => {
  const { clock, sourcing, news, presence } = setUp()
  sourcing.begin()
  presence().onAnnounced(holder('a', false))
  presence().onWithdrawn('a')
  news()
  sourcing.close({ ...held, whole: true })
  clock.advance(10_000)
  assert.equal(news(), ['left: true'])
})

test.run()
