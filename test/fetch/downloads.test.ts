import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createLimiter } from '../../src/base/limiter.ts'
import { silentLog } from '../../src/base/log.ts'
import { sha256 } from '../../src/base/sha256.ts'
import { createFetcher, type FetcherDeps } from '../../src/fetch/downloads.ts'
import { createDeadMirrors } from '../../src/mirror/dead-mirrors.ts'
import type { PacmanConf } from '../../src/pacman/pacman-conf.ts'
import { createClock } from '../clock.ts'
import { createMemoryHasher, createMemorySpool, makeContent } from './job/lab.ts'

const content = makeContent(1000)
const NAME = 'a+b-1:2-1-any.pkg.tar.zst'
const known = { sha256: sha256(content), size: content.length }
const conf = {
  repositories: [
    { name: 'core', servers: ['https://one.example/core/os', 'file:///srv/core', 'ftp://two.example/core/'] },
    { name: 'extra', servers: ['https://one.example/extra/os'] },
  ],
} as PacmanConf

function lab(change: Partial<FetcherDeps> = {}) {
  const clock = createClock()
  const spool = createMemorySpool()
  const asked: [string, string | undefined][] = []
  const done: object[] = []
  const deps = {
    clock,
    log: silentLog,
    spool,
    downloads: createLimiter(clock, undefined),
    hasher: createMemoryHasher(spool.files),
    network: {
      id: '0'.repeat(64),
      existing: () => undefined,
      isCompanion: () => false,
      hasCompanions: () => false,
      join: () => ({ leave() {} }),
      find: async () => {},
      connect: () => Promise.reject(new Error('nobody')),
      forget() {},
      ban() {},
      hasNeighbours: () => false,
      isNeighbour: () => false,
    },
    openMirror: (_request, handler) => {
      clock.after(10, () => {
        handler.onStart(0)
        handler.onBytes(content)
      })
      return { stop() {}, pause() {}, resume() {} }
    },
    mirrorRates: new Map(),
    recycle() {},
    onRejected() {},
    onDone: (from) => void done.push(from),
    databases: {
      async find(name: string, repository?: string) {
        asked.push([name, repository])
        return name === NAME ? { name, ...known } : undefined
      },
    },
    pacmanConf: async () => conf,
    deadMirrors: createDeadMirrors(clock),
    ...change,
  } as FetcherDeps
  return { clock, spool, asked, done, fetcher: createFetcher(deps, { delay: 'auto' }) }
}
const turns = async () => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}
const follower = () => ({ onChange() {}, onRewind() {} })

test('a URL under a Server: its file, and every server that the daemon may ask', async () => {
  const { fetcher, asked } = lab()
  const url = `https://one.example/core/os/${NAME.replace('+', '%2B').replace(':', '%3A')}`
  const located = await fetcher.locate(url)
  assert.equal(located, {
    file: { ...known, name: NAME },
    mirrors: [url, `ftp://two.example/core/${url.split('/').at(-1)}`],
  })
  assert.equal(asked, [[NAME, 'core']])
})

test('a server that was dead lately comes last', async () => {
  const deadMirrors = createDeadMirrors(createClock())
  const { fetcher } = lab({ deadMirrors })
  const url = `https://one.example/core/os/${NAME}`
  await fetcher.mirrorFailed('https://unheard.example/core/os/x')
  assert.not(deadMirrors.isDead('https://unheard.example/'))
  await fetcher.mirrorFailed(url)
  const located = await fetcher.locate(url)
  assert.equal('mirrors' in located && located.mirrors, [`ftp://two.example/core/${NAME}`, url])
})

test("where a caller's curl may look: every server for the first one's URL, passwords left out", async () => {
  const { fetcher } = lab({
    pacmanConf: async () =>
      ({
        repositories: [
          { name: 'core', servers: ['http://a:b@one/core', 'http://c:d@two/core', 'file:///srv/core'] },
        ],
      }) as PacmanConf,
  })
  const own = 'http://a:b@one/core/core.db'
  assert.equal(await fetcher.mirrorsOf(own), [own, 'file:///srv/core/core.db'])
  await fetcher.mirrorFailed(own)
  assert.equal(await fetcher.mirrorsOf(own), ['file:///srv/core/core.db', own])
  assert.equal(await fetcher.mirrorsOf('http://c:d@two/core/core.db'), ['http://c:d@two/core/core.db'])
  assert.is(await fetcher.mirrorsOf('http://other/core/core.db'), undefined)
})

for (const [url, why] of [
  ['https://one.example/core/os/', 'names no file'],
  ['https://elsewhere.example/core/os/x', 'under no Server'],
  ['https://one.example/core/os/unknown', 'no sync database'],
] as const) {
  test(`the caller's own business: ${why}`, async () => {
    const answer = await lab().fetcher.locate(url)
    assert.match((answer as { reason: string }).reason, why)
  })
}

test("the caller's own business: no pacman.conf", async () => {
  const { fetcher } = lab({ pacmanConf: async () => undefined })
  assert.ok('reason' in (await fetcher.locate(`https://one.example/core/os/${NAME}`)))
})

test('a path of a CacheServer: the last folder that is a repository tells which', async () => {
  const { fetcher, asked } = lab()
  const name = NAME.replace(':', '%3A')
  const located = await fetcher.locatePath(`/core/extra/os/x86_64/${name}`)
  assert.equal(asked, [[NAME, 'extra']])
  assert.equal(located!.mirrors, [`https://one.example/extra/os/${encodeURIComponent(NAME)}`])
  assert.equal((await fetcher.locatePath(`/pkgs/${name}`))!.mirrors, [])
  assert.is(await fetcher.locatePath('/core/os/unknown'), undefined)
})

test('callers of one file share its job; when it is over and all have left, the next begins another', async () => {
  const { fetcher, clock, done } = lab()
  const located = await fetcher.locate(`https://one.example/core/os/${NAME}`)
  if ('reason' in located) throw new Error(located.reason)
  const job = fetcher.fetch(located, {})
  assert.is(fetcher.fetch(located, {}), job)
  assert.equal(fetcher.jobs(), [job])
  const leave = job.follow(follower())
  const leaveToo = job.follow(follower())
  await turns()
  clock.advance(20)
  await turns()
  assert.is(job.end?.result, 'done')
  leave()
  assert.is(fetcher.fetch(located, {}), job, 'still open for the other')
  leaveToo()
  const next = fetcher.fetch(located, {})
  assert.is.not(next, job, 'its file is being closed')
  next.follow(follower())
  await turns()
  assert.equal(fetcher.jobs(), [next], 'the old one closing takes nothing away')
  assert.is(done.length, 1)
  await fetcher.close()
  await turns()
  assert.equal(fetcher.jobs(), [])
})

test('a job that failed is not shared', async () => {
  const { fetcher } = lab()
  const located = { file: { ...known, name: NAME }, mirrors: [] }
  const job = fetcher.fetch(located, {})
  job.follow(follower())
  await turns()
  assert.is(job.end?.result, 'mirror')
  assert.is.not(fetcher.fetch(located, {}), job)
  await fetcher.close()
})

test('closing ends all jobs, and waits until their files are closed', async () => {
  const { fetcher, spool } = lab()
  const job = fetcher.fetch({ file: { ...known, name: NAME }, mirrors: ['https://one.example/f'] }, {})
  job.follow(follower())
  await turns()
  assert.is(spool.openFiles, 1)
  await fetcher.close()
  assert.is(spool.openFiles, 0)
  assert.match((job.end as { reason: string }).reason, 'stopping')
})

test.run()
