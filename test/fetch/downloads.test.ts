import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createLimiter } from '../../src/base/limiter.ts'
import { silentLog } from '../../src/base/log.ts'
import { sha256 } from '../../src/base/sha256.ts'
import { createDownloads, createJobRegistry } from '../../src/fetch/downloads.ts'
import type { JobDeps } from '../../src/fetch/job/order.ts'
import { createBufferPool } from '../../src/wire/pool.ts'
import { createClock } from '../clock.ts'
import { createMemoryHasher, createMemorySpool, emptyNetwork, makeContent } from './job/lab.ts'

const content = makeContent(1000)
const NAME = 'a+b-1:2-1-any.pkg.tar.zst'
const known = { sha256: sha256(content), size: content.length }

function lab() {
  const clock = createClock()
  const spool = createMemorySpool()
  const done: object[] = []
  const deps = {
    clock,
    log: silentLog,
    spool,
    downloads: createLimiter(clock, undefined),
    hasher: createMemoryHasher(spool.files),
    network: emptyNetwork,
    openMirror: (_request, handler) => {
      clock.after(10, () => {
        handler.onStart(0)
        handler.onBytes(content)
      })
      return { stop() {}, pause() {}, resume() {} }
    },
    mirrorRates: new Map(),
    buffers: createBufferPool(),
  } as JobDeps
  const downloads = createDownloads(deps, {
    registry: createJobRegistry(),
    delay: 'auto',
    onRejected() {},
    onDone: (from) => void done.push(from),
  })
  return { clock, spool, done, downloads }
}
const turns = async () => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}
const located = { file: { ...known, name: NAME }, mirrors: [`https://one.example/core/os/${NAME}`] }
const follower = () => ({ onChange() {}, onRewind() {} })

test('callers of one file share its job; when it is over and all have left, the next begins another', async () => {
  const { downloads, clock, done } = lab()
  const job = downloads.fetch(located, {})
  assert.is(downloads.fetch(located, {}), job)
  assert.equal(downloads.jobs(), [job])
  const leave = job.follow(follower())
  const leaveToo = job.follow(follower())
  await turns()
  clock.advance(20)
  await turns()
  assert.is(job.end?.result, 'done')
  leave()
  assert.is(downloads.fetch(located, {}), job, 'still open for the other')
  leaveToo()
  const next = downloads.fetch(located, {})
  assert.is.not(next, job, 'its file is being closed')
  next.follow(follower())
  await turns()
  assert.equal(downloads.jobs(), [next], 'the old one closing takes nothing away')
  assert.is(done.length, 1)
  await downloads.close()
  await turns()
  assert.equal(downloads.jobs(), [])
})

test('what nobody waits for is asked of other nodes alone, and gives its place to whoever does', async () => {
  const { downloads, clock, done } = lab()
  let ends = 0
  const idle = downloads.gather(located)!
  idle.follow({ onChange: () => void (idle.end && ends++), onRewind() {} })
  assert.is(downloads.gather(located), undefined, 'it is on its way')
  const job = downloads.fetch(located, {})
  assert.is.not(job, idle)
  assert.equal([idle.end?.result, ends], ['mirror', 1])
  assert.is(downloads.fetch(located, {}), job)
  const leave = job.follow(follower())
  assert.is(downloads.gather(located), undefined)
  await turns()
  clock.advance(20)
  await turns()
  assert.is(job.end?.result, 'done')
  leave()
  await turns()
  assert.equal(done, [located])
})

test('a job that failed is not shared', async () => {
  const { downloads } = lab()
  const nowhere = { ...located, mirrors: [] }
  const job = downloads.fetch(nowhere, {})
  job.follow(follower())
  await turns()
  assert.is(job.end?.result, 'mirror')
  assert.is.not(downloads.fetch(nowhere, {}), job)
  await downloads.close()
})

test('closing ends all jobs, and waits until their files are closed', async () => {
  const { downloads, spool } = lab()
  const job = downloads.fetch(located, {})
  job.follow(follower())
  await turns()
  assert.is(spool.openFiles, 1)
  await downloads.close()
  assert.is(spool.openFiles, 0)
  assert.match((job.end as { reason: string }).reason, 'stopping')
})

test.run()
