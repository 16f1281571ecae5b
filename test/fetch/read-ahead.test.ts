import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { CallerEnvironment } from '../../src/base/caller-environment.ts'
import type { Job, JobEnd, JobFollower } from '../../src/fetch/job/job.ts'
import type { Located } from '../../src/fetch/locator.ts'
import { createReadAhead, fillsLine, type ReadAheadDeps } from '../../src/fetch/read-ahead.ts'
import type { WantedFile } from '../../src/wire/messages.ts'
import { createClock } from '../clock.ts'

const MIB = 1024 * 1024
const DONE: JobEnd = { result: 'done', fromPeers: 1, fromSite: 0, fromMirror: 0, peers: ['a'] }
const settle = () => new Promise((resolve) => setImmediate(resolve))

function files(count: number, size = MIB): Located[] {
  return Array.from({ length: count }, (_, n) => ({
    file: { sha256: `${n}`, size, name: `pack${n}` },
    mirrors: [],
  }))
}

const numbered = (located: Located, n: number): Located => ({
  ...located,
  file: { ...located.file, sha256: `${n}` },
})

/** Jobs that a test ends by hand. */
function setUp({ ready = [] as string[], environment = {} } = {}) {
  const clock = createClock()
  const begun: string[] = []
  const jobs = new Map<string, Job>()
  const followers = new Map<string, Set<JobFollower>>()
  const ends = new Map<string, JobEnd>()
  const searches: WantedFile[][] = []
  const environments: CallerEnvironment[] = []
  const deps: ReadAheadDeps = {
    clock,
    find: (wanted) => void searches.push(wanted),
    fetch({ file }, through) {
      begun.push(file.sha256)
      environments.push(through)
      const mine = new Set<JobFollower>()
      followers.set(file.sha256, mine)
      const job = {
        file,
        done: 0,
        isShared: false,
        get end() {
          return ends.get(file.sha256)
        },
        follow(follower: JobFollower) {
          mine.add(follower)
          return () => void mine.delete(follower)
        },
      }
      jobs.set(file.sha256, job as unknown as Job)
      return job as unknown as Job
    },
    isUnderWay: (sha256) => ready.includes(sha256),
    jobs: () => [...jobs.values()],
    received: () => [...jobs.values()].reduce((sum, { done }) => sum + done, 0),
  }
  const readAhead = createReadAhead(deps, environment)
  return {
    clock,
    begun,
    searches,
    environments,
    readAhead,
    share: (sha256: string) => void Object.assign(jobs.get(sha256)!, { isShared: true }),
    /** Gives each of these so many bytes in each 100 ms, for a while. */
    bring(ms: number, bytes: Record<string, number>) {
      for (let at = 0; at < ms; at += 100) {
        for (const [sha256, each] of Object.entries(bytes)) {
          Object.assign(jobs.get(sha256)!, { done: jobs.get(sha256)!.done + each })
        }
        clock.advance(100)
      }
    },
    followed: () => [...followers].filter(([, mine]) => mine.size > 0).map(([sha256]) => sha256),
    async end(sha256: string, how: JobEnd = DONE) {
      ends.set(sha256, how)
      for (const follower of [...followers.get(sha256)!]) follower.onChange()
      await settle()
    },
  }
}

test('five at once, in the order that pacman will ask', async () => {
  const { begun, end, readAhead } = setUp()
  readAhead.begin(files(8))
  assert.equal(begun, ['0', '1', '2', '3', '4'])
  await end('2')
  assert.equal(begun, ['0', '1', '2', '3', '4', '5'])
  await end('0', { result: 'mirror', reason: 'nobody has it' })
  assert.equal(begun.at(-1), '6')
})

test('of small files forty, as several go by one curl', async () => {
  const { begun, end, readAhead } = setUp()
  readAhead.begin([...files(4, 256 * 1024 + 1), ...files(20, 256 * 1024)].map(numbered))
  assert.is(begun.length, 4 + 8)
  await end('0')
  assert.is(begun.length, 3 + 16 + 1)
})

test('a whole transaction is one search, with the proxies of its caller', () => {
  const { searches, environments, readAhead } = setUp({ environment: { http_proxy: 'http://proxy' } })
  readAhead.begin(files(300))
  assert.is(searches.length, 1)
  assert.is(searches[0]!.length, 300)
  assert.equal(environments[0], { http_proxy: 'http://proxy' })
})

test('no more than a gibibyte lies ahead of what pacman has asked for', async () => {
  const { begun, end, readAhead } = setUp()
  readAhead.begin(files(6, 256 * MIB))
  assert.equal(begun, ['0', '1', '2', '3'])
  await end('0')
  assert.is(begun.length, 4)
  readAhead.asked('0')
  assert.equal(begun.at(-1), '4')
})

test('while a long file fills the line nothing more is begun, but small files in their turn', async () => {
  const { begun, bring, end, readAhead } = setUp()
  const small = files(2, 256 * 1024)
  readAhead.begin([...files(1, 100 * MIB), ...files(8), ...small].map(numbered))
  readAhead.asked('0')
  assert.equal(begun, ['0', '1', '2', '3', '4', '5'])
  bring(2_000, { 0: 800_000, 1: 50_000, 2: 50_000, 3: 50_000, 4: 50_000 })
  await end('1')
  await end('2')
  bring(2_000, { 0: 900_000, 3: 50_000, 4: 50_000 })
  assert.equal(begun.slice(6), ['9', '10'], 'it has the line for itself')
  bring(2_000, { 0: 400_000, 3: 50_000, 4: 50_000 })
  assert.equal(begun.slice(8), ['6', '7'], 'it no longer fills the line')
})

test('what others of this site download too leaves the line to more', async () => {
  const { begun, bring, end, readAhead, share } = setUp()
  readAhead.begin([...files(1, 100 * MIB), ...files(9)].map(numbered))
  readAhead.asked('0')
  share('0')
  bring(2_000, { 0: 800_000 })
  await end('1')
  assert.equal(begun.slice(6), ['6'])
})

for (const [bytesLeft, fills] of [
  [2_000_001, true],
  [2_000_000, false],
] as const)
  test(`${bytesLeft} bytes at 1 MB/s ${fills ? 'are' : 'are not'} enough for the line`, () => {
    assert.is(fillsLine({ bytesLeft, rate: 1_000_000, bestRate: 1_000_000 }), fills)
    assert.is(fillsLine({ bytesLeft, rate: 1_000_000, bestRate: 1_000_000 / 0.84 }), false)
    assert.is(fillsLine({ bytesLeft, rate: 0, bestRate: 0 }), false)
  })

test('one byte over the bound waits', () => {
  const { begun, readAhead } = setUp()
  readAhead.begin(files(2, 512 * MIB + 1))
  assert.equal(begun, ['0'])
})

test('what is ready already, or asked for first, is not fetched ahead', async () => {
  const { begun, end, readAhead } = setUp({ ready: ['1'] })
  readAhead.begin(files(8))
  assert.equal(begun, ['0', '2', '3', '4', '5'])
  readAhead.asked('6')
  await end('0')
  assert.equal(begun.at(-1), '7')
})

test('a file on its way that is asked for is left to its asker', () => {
  const { followed, readAhead } = setUp()
  readAhead.begin(files(1))
  assert.equal(followed(), ['0'])
  readAhead.asked('0')
  assert.equal(followed(), [])
})

test('pacman that waits for a file longer than a minute has not gone', async () => {
  const { clock, end, followed, readAhead } = setUp()
  readAhead.begin([...files(1, 1000 * MIB), ...files(3)].map(numbered))
  readAhead.asked('0')
  clock.advance(90_000)
  assert.equal(followed(), ['1', '2', '3'])
  await end('0')
  clock.advance(60_000)
  assert.equal(followed(), [])
})

test('when pacman asks for nothing more for a minute, what is on its way stops', async () => {
  const { begun, clock, end, followed, readAhead } = setUp()
  readAhead.begin(files(9))
  clock.advance(59_000)
  readAhead.asked('0')
  await end('0')
  clock.advance(59_999)
  assert.is(followed().length, 5)
  clock.advance(1)
  assert.equal(followed(), [])
  assert.not(clock.step(), 'a timer is left')
  const count = begun.length
  await end('1')
  assert.is(begun.length, count)
})

test.run()
