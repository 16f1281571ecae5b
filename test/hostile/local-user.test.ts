/** Row A: what one local user says governs another's download. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { environmentKey, mirrorsFor, namesProxy } from '../../src/base/caller-environment.ts'
import { createLimiter } from '../../src/base/limiter.ts'
import { silentLog } from '../../src/base/log.ts'
import { sha256 } from '../../src/base/sha256.ts'
import type { Caller } from '../../src/fetch/callers.ts'
import { createCallersAhead } from '../../src/fetch/callers-ahead.ts'
import { createDownloads, createJobRegistry } from '../../src/fetch/downloads.ts'
import type { Job } from '../../src/fetch/job/job.ts'
import type { JobDeps } from '../../src/fetch/job/order.ts'
import { parseFileRequest } from '../../src/http/file-answer.ts'
import type { MirrorRequest } from '../../src/mirror/curl.ts'
import { createDeadMirrors, notingDead } from '../../src/mirror/dead-mirrors.ts'
import { createBufferPool } from '../../src/wire/pool.ts'
import { createClock } from '../clock.ts'
import { createMemoryHasher, createMemorySpool, emptyNetwork, makeContent } from '../fetch/job/lab.ts'

const content = makeContent(1_000_000)
const file = { sha256: sha256(content), size: content.length, name: 'some-1-1-any.pkg.tar.zst' }
const located = { file, mirrors: [`https://one.example/core/${file.name}`] }
const EVIL = { http_proxy: 'http://127.0.0.1:6666' }
const follower = () => ({ onChange() {}, onRewind() {} })

/** Mirrors answer at once, but for whoever goes by the user's proxy: that one never says a word. */
function lab() {
  const clock = createClock()
  const spool = createMemorySpool()
  const opened: MirrorRequest[] = []
  const dead = createDeadMirrors(clock)
  const open: JobDeps['openMirror'] = (request, handler) => {
    opened.push(request)
    if (!namesProxy(request.environment))
      clock.after(10, () => {
        handler.onStart(request.start)
        handler.onBytes(content.subarray(request.start))
        handler.onEnd(undefined)
      })
    return { stop() {}, pause() {}, resume() {} }
  }
  const deps = {
    clock,
    log: silentLog,
    spool,
    downloads: createLimiter(clock, undefined),
    hasher: createMemoryHasher(spool.files),
    network: emptyNetwork,
    openMirror: notingDead(open, { dead, clock, log: silentLog }),
    mirrorRates: new Map(),
    buffers: createBufferPool(),
  } as JobDeps
  const registry = createJobRegistry()
  const downloads = createDownloads(deps, { registry, delay: 'auto', onRejected() {}, onDone() {} })
  async function wind(ms: number) {
    for (const until = clock.now() + ms; clock.now() < until; clock.advance(10)) {
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return { clock, spool, opened, dead, downloads, deps, registry, wind }
}

test('a user began it through a proxy that says nothing: root’s download comes all the same, past that proxy', async () => {
  const { downloads, opened, wind } = lab()
  const theirs = downloads.fetch(located, EVIL)
  theirs.follow(follower())
  await wind(500)
  const roots = downloads.fetch(located, {})
  roots.follow(follower())
  await wind(1_000)
  assert.is(roots.end?.result, 'done')
  assert.is(theirs.end, undefined)
  const got = Buffer.alloc(content.length)
  await roots.read(got, 0)
  assert.ok(got.equals(content))
  assert.equal(
    opened.map(({ environment }) => environment),
    [EVIL, {}],
  )
})

test('nor does the user’s proxy make a mirror dead or slow for others', async () => {
  const { downloads, dead, deps, wind } = lab()
  downloads.fetch(located, EVIL).follow(follower())
  await wind(5_000)
  await downloads.close()
  assert.not.ok(dead.isDead(located.mirrors[0]!))
  assert.is(deps.mirrorRates.size, 0)
})

test('and when root was first the user has a download apart, which leaves nothing behind', async () => {
  const { downloads, spool, wind } = lab()
  const roots = downloads.fetch(located, {})
  roots.follow(follower())
  const theirs = downloads.fetch(located, EVIL)
  const leave = theirs.follow(follower())
  assert.is.not(theirs, roots)
  await wind(500)
  leave()
  await wind(50)
  assert.is(roots.end?.result, 'done')
  assert.equal([...spool.files.keys()], [file.sha256])
  assert.equal([...spool.completeFiles().keys()], [file.sha256])
})

test('callers of the same environment share a download', () => {
  const { downloads } = lab()
  const agent = { HTTP_USER_AGENT: 'pacman/7', http_proxy: '' }
  const job = downloads.fetch(located, agent)
  assert.is(downloads.fetch(located, { HTTP_USER_AGENT: 'pacman/7' }), job)
  assert.is.not(downloads.fetch(located, { HTTP_USER_AGENT: 'another' }), job)
})

/** What is begun, by its environment, and which of it is let go. */
function aheadLab() {
  const clock = createClock()
  const begun: string[] = []
  const left: string[] = []
  const ahead = createCallersAhead({
    clock,
    find() {},
    fetch(located, environment) {
      const name = `${located.file.name} ${environmentKey(environment)}`
      begun.push(name)
      const job = { file: located.file, end: undefined, done: 0, follow: () => () => void left.push(name) }
      return job as unknown as Job
    },
    isUnderWay: () => false,
    jobs: () => [],
    received: () => 0,
  })
  return { clock, ahead, begun, left }
}
const numbered = (n: number) => ({ file: { sha256: `${n}`, size: 1_000_000, name: `${n}` }, mirrors: [] })
const ROOT: Caller = { environment: {}, transaction: '7 100' }

test('what a user reads ahead through a proxy is not what root’s is read ahead through', () => {
  const { ahead, begun, left } = aheadLab()
  const user = { environment: EVIL, transaction: '8 100' }
  ahead.begin([numbered(1)], ROOT)
  ahead.begin([numbered(1)], user)
  assert.equal(begun, ['1 ', `1 ${environmentKey(EVIL)}`])
  ahead.asked('1', user)
  assert.equal(left, [`1 ${environmentKey(EVIL)}`], 'and to ask for it ends nobody else’s')
})

test('nor does a user of the same environment end, replace or hold up what root’s pacman has ahead', () => {
  const { ahead, begun, left } = aheadLab()
  const user = { environment: {}, transaction: '8 100' }
  ahead.begin([1, 2, 3].map(numbered), ROOT)
  ahead.begin([], user)
  for (let n = 1; n <= 3; n++) ahead.asked(`${n}`, user)
  ahead.asked('1', { environment: {} })
  assert.equal(left, [])
  ahead.begin(
    Array.from({ length: 9 }, (_, n) => numbered(10 + n)),
    user,
  )
  ahead.asked('1', ROOT)
  ahead.begin([4, 5].map(numbered), ROOT)
  assert.ok(begun.includes('4 ') && begun.includes('5 '))
  assert.ok(ahead.isNew(user))
  assert.ok(ahead.isNew(ROOT), 'and is asked for its own list')
})

test('whoever comes in eight guises ends nobody’s either; those who have gone make room', () => {
  const { ahead, begun, left, clock } = aheadLab()
  const guise = (n: number) => ({ environment: { HTTP_USER_AGENT: `${n}` }, transaction: '8 100' })
  ahead.begin([numbered(1)], ROOT)
  for (let n = 0; n < 20; n++) ahead.begin([numbered(2)], guise(n))
  assert.equal(left, [])
  assert.is(begun.length, 8, 'one of root’s, and seven')
  clock.advance(59_999)
  ahead.asked('2', guise(0))
  ahead.begin([numbered(2)], guise(8))
  assert.is(begun.length, 8)
  clock.advance(1)
  ahead.begin([numbered(2)], guise(8))
  assert.is(begun.length, 9)
})

test('a user who names root’s pacman: root’s files are right all the same, each in what the mirror takes', async () => {
  const { clock, downloads, registry, wind } = lab()
  const ahead = createCallersAhead({
    clock,
    find() {},
    fetch: (one, environment) => downloads.fetch(one, environment),
    isUnderWay: () => false,
    jobs: registry.jobs,
    received: () => 0,
  })
  // As root's front asks, but for what the user has done before: taken the list's turn, and put in one of its own.
  assert.ok(ahead.isNew(ROOT))
  ahead.begin([located, ...[1, 2, 3].map(numbered)], ROOT)
  ahead.asked(file.sha256, ROOT)
  await wind(50)
  assert.not.ok(ahead.isNew(ROOT), 'so nothing is read ahead for root')
  const begun = clock.now()
  const job = downloads.fetch(located, {})
  let ms = 0
  job.follow({
    onRewind() {},
    onChange() {
      if (job.end) ms ||= clock.now() - begun
    },
  })
  for (let n = 0; n < 30; n++) {
    ahead.asked(file.sha256, ROOT)
    ahead.begin([], ROOT)
    ahead.begin([numbered(10 + n)], ROOT)
    await wind(10)
  }
  assert.is(job.end?.result, 'done')
  assert.ok(ms <= 200, `${ms} ms`)
  const got = Buffer.alloc(content.length)
  await job.read(got, 0)
  assert.ok(got.equals(content))
})

test('a mirror’s password is shown to no proxy of a caller that didn’t give it', () => {
  const secret = 'https://me:pass@two.example/core/some'
  const plain = 'https://one.example/core/some'
  assert.equal(mirrorsFor([plain, secret], plain, EVIL), [plain])
  assert.equal(mirrorsFor([plain, secret], secret, EVIL), [plain, secret])
  assert.equal(mirrorsFor([plain, secret], plain, { HTTP_USER_AGENT: 'x', no_proxy: '*' }), [plain, secret])
})

test('no header is smuggled in by HTTP_USER_AGENT', () => {
  const fields = ['url=http://m/x', 'HTTP_USER_AGENT=x\r\nHost: evil.example', 'http_proxy=http://p', '']
  assert.equal(parseFileRequest(fields.join('\0')).environment, { http_proxy: 'http://p' })
})

test.run()
