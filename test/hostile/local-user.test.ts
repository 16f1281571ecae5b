/** Row A: what one local user says governs another's download. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { environmentKey, mirrorsFor, namesProxy } from '../../src/base/caller-environment.ts'
import { createLimiter } from '../../src/base/limiter.ts'
import { silentLog } from '../../src/base/log.ts'
import { sha256 } from '../../src/base/sha256.ts'
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

test('what a user reads ahead through a proxy is not what root’s is read ahead through', () => {
  const clock = createClock()
  const environments: object[] = []
  const left: string[] = []
  const ahead = createCallersAhead({
    clock,
    find() {},
    fetch(_located, environment) {
      environments.push(environment)
      const job = {
        file,
        end: undefined,
        done: 0,
        follow: () => () => void left.push(environmentKey(environment)),
      }
      return job as unknown as Job
    },
    isUnderWay: () => false,
    jobs: () => [],
    received: () => 0,
  })
  ahead.begin([located], {})
  ahead.begin([located], EVIL)
  assert.equal(environments, [{}, EVIL])
  ahead.asked(file.sha256, EVIL)
  assert.equal(left, [environmentKey(EVIL)], 'and to ask for it ends nobody else’s')
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
