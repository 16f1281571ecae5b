import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createLocator, type LocatorDeps } from '../../src/fetch/locator.ts'
import { createDeadMirrors } from '../../src/mirror/dead-mirrors.ts'
import type { PacmanConf } from '../../src/pacman/pacman-conf.ts'
import { createClock } from '../clock.ts'

const NAME = 'a+b-1:2-1-any.pkg.tar.zst'
const known = { sha256: 'a'.repeat(64), size: 1000 }
const conf = {
  repositories: [
    { name: 'core', servers: ['https://one.example/core/os', 'file:///srv/core', 'ftp://two.example/core/'] },
    { name: 'extra', servers: ['https://one.example/extra/os'] },
  ],
} as PacmanConf

function lab(change: Partial<LocatorDeps> = {}) {
  const asked: [string, string | undefined][] = []
  const locator = createLocator({
    databases: {
      async find(name: string, repository?: string) {
        asked.push([name, repository])
        if (name === 'empty') return { name, ...known, size: 0 }
        return name === NAME ? { name, ...known, repository: 'core' } : undefined
      },
      async findHashes(hashes: ReadonlySet<string>) {
        const named = { name: NAME, ...known }
        return hashes.has(known.sha256)
          ? ['core', 'gone'].map((repository) => ({ ...named, repository }))
          : []
      },
    } as LocatorDeps['databases'],
    callers: { of: async () => undefined },
    pacmanConf: async () => conf,
    order: (urls) => urls,
    ...change,
  })
  return { asked, locator }
}

test('a URL under a Server: its file, and every server that the daemon may ask', async () => {
  const { locator, asked } = lab()
  const url = `https://one.example/core/os/${NAME.replace('+', '%2B').replace(':', '%3A')}`
  const located = await locator.locate(url)
  assert.equal(located, {
    file: { ...known, name: NAME },
    mirrors: [url, `ftp://two.example/core/${url.split('/').at(-1)}`],
    repository: 'core',
  })
  assert.equal(asked, [[NAME, 'core']])
})

test('files by SHA-256, with the servers of their repositories that the daemon may ask', async () => {
  const { locator } = lab()
  const [here, gone, ...more] = await locator.locateHashes(new Set(['b'.repeat(64), known.sha256]))
  assert.equal([here?.repository, here?.mirrors.length, here?.file], ['core', 2, { ...known, name: NAME }])
  assert.equal([gone?.repository, gone?.mirrors, more.length], ['gone', [], 0])
  assert.equal(await locator.locateHashes(new Set(['b'.repeat(64)])), [])
})

test('a pacman with places of its own goes by the configuration and the databases there', async () => {
  const asked: string[] = []
  const own = { repositories: [{ name: 'mine', servers: ['https://mine.example'] }] } as PacmanConf
  const callers = {
    async of(transaction: string) {
      asked.push(transaction)
      return {
        conf: own,
        databases: { find: async () => ({ name: NAME, sha256: 'b'.repeat(64), size: 5 }) },
      } as never
    },
  }
  const { locator } = lab({ callers })
  const located = await locator.locate(`https://mine.example/${NAME}`, '7 100')
  assert.is('file' in located && located.file.sha256, 'b'.repeat(64))
  assert.ok(
    'reason' in (await locator.locate(`https://one.example/core/os/${NAME}`, '7 100')),
    "not the caller's",
  )
  assert.ok('file' in (await locator.locate(`https://one.example/core/os/${NAME}`)))
  assert.equal(asked, ['7 100', '7 100'])
})

test("what can't be known of a pacman is left to the mirror", async () => {
  const { locator, asked } = lab({ callers: { of: async () => 'unknown' } })
  const answer = await locator.locate(`https://one.example/core/os/${NAME}`, '7 100')
  assert.match((answer as { reason: string }).reason, "can't be known here")
  assert.equal(asked, [])
})

test('a server that was dead lately comes last', async () => {
  const deadMirrors = createDeadMirrors(createClock())
  const { locator } = lab({ order: deadMirrors.order })
  const url = `https://one.example/core/os/${NAME}`
  deadMirrors.failed(url)
  const located = await locator.locate(url)
  assert.equal('mirrors' in located && located.mirrors, [`ftp://two.example/core/${NAME}`, url])
})

for (const [url, why] of [
  ['https://one.example/core/os/', 'names no file'],
  ['https://elsewhere.example/core/os/x', 'under no Server'],
  ['https://one.example/core/os/unknown', 'no sync database'],
  ['https://one.example/core/os/empty', 'no sync database'],
] as const) {
  test(`the caller's own business: ${why}`, async () => {
    const answer = await lab().locator.locate(url)
    assert.match((answer as { reason: string }).reason, why)
  })
}

test("the caller's own business: no pacman.conf", async () => {
  const { locator } = lab({ pacmanConf: async () => undefined })
  assert.ok('reason' in (await locator.locate(`https://one.example/core/os/${NAME}`)))
})

test("a path of a CacheServer: what pacman wants of the package's signature", async () => {
  const [core, extra] = conf.repositories
  const signed = {
    repositories: [
      { ...core!, signatures: 'required' },
      { ...extra!, signatures: 'never' },
    ],
  } as PacmanConf
  const { locator } = lab({ pacmanConf: async () => signed })
  assert.is((await locator.locatePath(`/core/os/x86_64/${NAME}`))!.signature, 'required')
  assert.is((await locator.locatePath(`/extra/os/x86_64/${NAME}`))!.signature, 'never')
  const found = { name: NAME, ...known, repository: 'core' }
  const anywhere = lab({ pacmanConf: async () => signed, databases: { find: async () => found } as never })
  assert.is((await anywhere.locator.locatePath(`/pkgs/${NAME}`))!.signature, 'required')
})

test('a path of a CacheServer: the last folder that is a repository tells which', async () => {
  const { locator, asked } = lab()
  const name = NAME.replace(':', '%3A')
  const located = await locator.locatePath(`/core/extra/os/x86_64/${name}`)
  assert.equal(asked, [[NAME, 'extra']])
  assert.equal(located!.mirrors, [`https://one.example/extra/os/${encodeURIComponent(NAME)}`])
  assert.equal((await locator.locatePath(`/pkgs/${name}`))!.mirrors, [])
  for (const path of ['/core/os/unknown', '/core/os/empty', '/core/os/']) {
    assert.is(await locator.locatePath(path), undefined, path)
  }
})

test.run()
