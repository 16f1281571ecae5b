import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { silentLog } from '../../src/base/log.ts'
import type { Job, JobEnd, JobFollower } from '../../src/fetch/job/job.ts'
import type { Located } from '../../src/fetch/locator.ts'
import { createPrefetch, type PrefetchReport } from '../../src/fetch/prefetch.ts'
import { createClock } from '../clock.ts'

const DONE: JobEnd = { result: 'done', fromPeers: 3, fromSite: 3, fromMirror: 7, peers: ['a'] }
const settle = () => new Promise((resolve) => setImmediate(resolve))
const located = (name: string): Located => ({ file: { sha256: name, size: 10, name }, mirrors: [] })

/** Jobs that a test ends by hand. */
function start(
  urls: string[],
  { here = [] as string[], unknown = [] as string[], full = [] as string[] } = {},
) {
  const begun: string[] = []
  const jobs = new Map<string, { end(end: JobEnd): void; followers: Set<JobFollower> }>()
  const kept: string[] = []
  let listed = 0
  const clock = createClock()
  const prefetch = createPrefetch({
    clock,
    log: silentLog,
    async list() {
      listed++
      if (urls.includes('fails')) throw new Error('pacman can’t tell')
      return urls
    },
    locate: async (url) => (unknown.includes(url) ? undefined : located(url)),
    holds: (sha256) => here.includes(sha256),
    find() {},
    fetch({ file }) {
      begun.push(file.sha256)
      const followers = new Set<JobFollower>()
      const job = {
        file,
        end: undefined as JobEnd | undefined,
        follow(follower: JobFollower) {
          followers.add(follower)
          return () => void followers.delete(follower)
        },
      }
      jobs.set(file.sha256, {
        followers,
        end(end) {
          job.end = end
          for (const follower of followers) follower.onChange()
        },
      })
      return job as unknown as Job
    },
    async keep({ file }) {
      if (full.includes(file.sha256)) return false
      kept.push(file.sha256)
      return true
    },
  })
  return { clock, prefetch, begun, jobs, kept, listed: () => listed }
}

test('two at once, in pacman’s order, and each is kept when it came', async () => {
  const { prefetch, begun, jobs, kept } = start(['a', 'b', 'c'])
  const told: number[] = []
  const running = prefetch.run(({ fetched }) => told.push(fetched))
  await settle()
  assert.equal(begun, ['a', 'b'])
  jobs.get('b')!.end(DONE)
  await settle()
  assert.equal(begun, ['a', 'b', 'c'])
  for (const name of ['a', 'c']) jobs.get(name)!.end(DONE)
  const report = await running
  assert.equal(kept.sort(), ['a', 'b', 'c'])
  assert.equal(told, [1, 2, 3])
  assert.equal(
    [report.wanted, report.bytes, report.fetched, report.fromPeers, report.fromMirror],
    [3, 30, 3, 9, 21],
  )
  for (const { followers } of jobs.values()) assert.is(followers.size, 0)
})

test('what is here isn’t fetched; what isn’t known, fails or can’t be kept is counted as such', async () => {
  const { prefetch, begun, jobs } = start(['a', 'b', 'c', 'd'], { here: ['a'], unknown: ['b'], full: ['d'] })
  const running = prefetch.run(() => {})
  await settle()
  assert.equal(begun, ['c', 'd'])
  jobs.get('c')!.end({ result: 'mirror', reason: 'no mirror' })
  jobs.get('d')!.end(DONE)
  const { here, fetched, failed } = await running
  assert.equal({ here, fetched, failed }, { here: 1, fetched: 0, failed: 3 })
})

test('who asks while it runs hears of the same run; the next begins anew', async () => {
  const { prefetch, jobs, listed } = start(['a'])
  const reports: PrefetchReport[] = []
  const both = [prefetch.run(() => {}), prefetch.run((report) => reports.push(report))]
  await settle()
  jobs.get('a')!.end(DONE)
  const [one, other] = await Promise.all(both)
  assert.is(one, other)
  assert.is(reports.length, 1)
  assert.is(listed(), 1)
  void prefetch.run(() => {})
  await settle()
  assert.is(listed(), 2)
})

for (const [what, urls] of [
  ['needed nothing', []],
  ['failed', ['fails']],
] as [string, string[]][]) {
  test(`after one that ${what} nobody makes it look again for ten seconds, however often they ask`, async () => {
    const { clock, prefetch, listed } = start(urls)
    const ask = () => prefetch.run(() => {}).catch((error: Error) => error.message)
    const first = await ask()
    clock.advance(9_999)
    for (let n = 0; n < 50; n++) assert.equal(await ask(), first)
    assert.is(listed(), 1)
    clock.advance(1)
    await ask()
    assert.is(listed(), 2)
  })
}

test('stopped, it leaves what is on its way and begins nothing more', async () => {
  const { prefetch, begun, jobs } = start(['a', 'b', 'c'])
  const running = prefetch.run(() => {})
  await settle()
  prefetch.stop()
  for (const name of ['a', 'b']) {
    assert.is(jobs.get(name)!.followers.size, 0)
  }
  assert.equal(begun, ['a', 'b'])
  void running
})

test.run()
