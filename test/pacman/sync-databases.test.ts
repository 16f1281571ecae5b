import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { systemClock } from '../../src/base/clock.ts'
import type { WatchFolder } from '../../src/pacman/cache-watch.ts'
import { readDatabase } from '../../src/pacman/database-file.ts'
import { createSyncDatabases } from '../../src/pacman/sync-databases.ts'
import { createClock } from '../clock.ts'
import { asNobody, desc, hash, makeDatabase, makeFolder, makeLog, tarEnd, tarEntry } from './make.ts'

function setUp(files: Record<string, Uint8Array> = {}) {
  const dir = makeFolder()
  for (const [name, content] of Object.entries(files)) writeFileSync(join(dir, name), content)
  const { log, warnings } = makeLog()
  return { dir, warnings, databases: createSyncDatabases({ log, clock: systemClock }, { dir }) }
}

/** As pacman does it: a new file renamed over the old one. */
function replace(dir: string, name: string, content: Uint8Array) {
  writeFileSync(join(dir, 'new.part'), content)
  renameSync(join(dir, 'new.part'), join(dir, name))
}

const NAME = 'foo-1:2.3+a~b-1-any.pkg.tar.zst'
const one = gzipSync(makeDatabase([NAME, 10, hash('a')], ['bar.pkg.tar.xz', 20, hash('b')]))
const other = gzipSync(makeDatabase([NAME, 11, hash('c')]))

const compressors = {
  gzip: ['-z'],
  zstd: ['--zstd'],
  xz: ['-J'],
  bzip2: ['-j'],
  lz4: ['--lz4'],
  lzma: ['--lzma'],
}
const hasBsdtar = (() => {
  try {
    return execFileSync('bsdtar', ['--version']).length > 0
  } catch {
    return false
  }
})()
/** The database as bsdtar packs it: how repo-add does. */
function packed(database: Uint8Array, flags: string[]): Buffer {
  const folder = makeFolder()
  execFileSync('bsdtar', ['-xf', '-', '-C', folder], { input: database })
  const path = join(makeFolder(), 'packed')
  execFileSync('bsdtar', ['-cf', path, ...flags, '-C', folder, '.'])
  return readFileSync(path)
}
const plain = makeDatabase([NAME, 10, hash('a')], [`${'n'.repeat(200)}.pkg.tar.zst`, 20, hash('b')])
const bsdtarTest = hasBsdtar ? test : test.skip
if (!hasBsdtar) console.log('skipped: databases in other compressions: bsdtar is not installed')

for (const [name, flags] of Object.entries(compressors))
  bsdtarTest(`${name}, whatever the file is called`, async () => {
    const { databases, warnings } = setUp({ 'core.db': packed(plain, flags) })
    assert.equal(await databases.find(NAME), { name: NAME, size: 10, sha256: hash('a'), repository: 'core' })
    assert.is((await databases.find(`${'n'.repeat(200)}.pkg.tar.zst`))?.size, 20)
    assert.equal(warnings, [])
  })

for (const [name, flags] of Object.entries(compressors))
  bsdtarTest(`${name}, cut short, is not used`, async () => {
    const whole = packed(plain, flags)
    const { databases, warnings } = setUp({ 'core.db': whole.subarray(0, whole.length - 20) })
    assert.is(await databases.find(NAME), undefined)
    assert.equal(await databases.repositories(), [])
    assert.is(warnings.length, 1)
  })

bsdtarTest('bsdtar that was not there is tried again', async () => {
  const { databases, warnings } = setUp({ 'core.db': packed(plain, ['-J']) })
  const path = process.env.PATH
  process.env.PATH = makeFolder()
  try {
    assert.is(await databases.find(NAME), undefined)
    assert.is(await databases.find(NAME), undefined)
  } finally {
    process.env.PATH = path
  }
  assert.is(warnings.length, 1)
  assert.ok(await databases.find(NAME))
})

const sha512 = (text: string) => createHash('sha512').update(text).digest('base64')
/** Over half a megabyte, packed: signatures don't shrink. */
const large = gzipSync(
  Buffer.concat([
    ...Array.from({ length: 1500 }, (_, n) => {
      const signature = Array.from({ length: 8 }, (_, i) => sha512(`${n} ${i}`)).join('')
      const entry = desc(`p${n}-1-1-any.pkg.tar.zst`, n + 1, hash(`${n % 10}`))
      return tarEntry(`p${n}-1-1/desc`, `%PGPSIG%\n${signature}\n\n${entry}`)
    }),
    tarEnd,
  ]),
)

bsdtarTest('a large one, with bsdtar and without', async () => {
  assert.ok(large.length > 512 * 1024, `${large.length}`)
  const path = process.env.PATH
  try {
    for (const programs of [path, makeFolder()]) {
      process.env.PATH = programs
      const { databases, warnings } = setUp({ 'extra.db': large })
      for (const n of [0, 777, 1499]) {
        const found = await databases.find(`p${n}-1-1-any.pkg.tar.zst`)
        assert.equal([found?.size, found?.sha256], [n + 1, hash(`${n % 10}`)])
      }
      assert.equal(warnings, [])
    }
  } finally {
    process.env.PATH = path
  }
})

bsdtarTest('a large one, cut short, is not used', async () => {
  const { databases, warnings } = setUp({ 'extra.db': large.subarray(0, large.length - 2_000) })
  assert.is(await databases.find('p0-1-1-any.pkg.tar.zst'), undefined)
  assert.is(warnings.length, 1)
})

test('a plain tar', async () => {
  const { databases } = setUp({ 'core.db': plain })
  assert.is((await databases.find(NAME))?.size, 10)
})

test('a file that no database names', async () => {
  const { databases } = setUp({ 'core.db': one })
  assert.is(await databases.find('qux.pkg.tar.zst'), undefined)
  assert.is(await databases.find('../core.db'), undefined)
})

test('two repositories with one name: the given one decides', async () => {
  const { databases } = setUp({ 'core.db': one, 'testing.db': other })
  assert.is((await databases.find(NAME, 'core'))?.sha256, hash('a'))
  assert.is((await databases.find(NAME, 'testing'))?.sha256, hash('c'))
  assert.is(await databases.find(NAME), undefined)
  assert.is(await databases.find(NAME, 'extra'), undefined)
  assert.equal((await databases.repositories()).sort(), ['core', 'testing'])
})

test('two repositories that agree', async () => {
  const { databases } = setUp({ 'core.db': one, 'extra.db': one })
  assert.is((await databases.find(NAME))?.sha256, hash('a'))
  assert.is((await databases.find(NAME, 'extra'))?.repository, 'extra')
  assert.is((await databases.find('bar.pkg.tar.xz', 'other'))?.sha256, hash('b'))
})

test('only .db files, and no folder called so', async () => {
  const { databases, dir } = setUp({ 'core.files': one, 'core.db.sig': one, '.db': one, 'core.db.part': one })
  assert.equal(await databases.repositories(), [])
  mkdirSync(join(dir, 'folder.db'))
  assert.equal(await databases.repositories(), [])
})

test('a replaced database is seen at the very next lookup', async () => {
  const { databases, dir } = setUp({ 'core.db': one })
  assert.is((await databases.find(NAME))?.sha256, hash('a'))
  replace(dir, 'core.db', other)
  assert.is((await databases.find(NAME))?.sha256, hash('c'))
  assert.is(await databases.find('bar.pkg.tar.xz'), undefined)
})

test('one replaced while another lookup is under way is seen by the lookup after it', async () => {
  const { databases, dir } = setUp({ 'core.db': one })
  const before = databases.find(NAME)
  replace(dir, 'core.db', other)
  const after = databases.find(NAME)
  await before
  assert.is((await after)?.sha256, hash('c'))
})

/** A folder whose watch a test sets off by hand. */
function setUpWatched(dir: string) {
  const clock = createClock()
  const read: unknown[] = []
  const log = { ...makeLog().log, debug: ({ path }: { path?: string }) => path && read.push(path) }
  const watches: ((name: string | null) => void)[] = []
  const watch: WatchFolder = (folder, onName) => {
    if (!existsSync(folder)) throw Object.assign(new Error('no such folder'), { code: 'ENOENT' })
    watches.push(onName)
    return () => watches.splice(watches.indexOf(onName), 1)
  }
  const databases = createSyncDatabases({ log: log as never, clock, watchFolder: watch }, { dir })
  databases.watch()
  return { clock, read, watches, databases }
}

test('what changes is read a moment after the last change, before anybody asks', async () => {
  const dir = makeFolder()
  writeFileSync(join(dir, 'core.db'), one)
  writeFileSync(join(dir, 'extra.db'), other)
  const { clock, read, watches, databases } = setUpWatched(dir)
  const have = async (count: number) => {
    while (read.length < count) await new Promise(setImmediate)
  }
  watches[0]!('core.db')
  await clock.advance(15)
  watches[0]!('extra.db')
  watches[0]!('extra.db.part')
  await clock.advance(15)
  assert.equal(read, [])
  await clock.advance(5)
  await have(2)
  replace(dir, 'extra.db', one)
  watches[0]!('extra.db')
  await clock.advance(20)
  await have(3)
  assert.ok(await databases.find(NAME, 'core'))
  assert.is(read.length, 3, 'nobody reads it again')
})

test('a folder that comes later is watched from the next lookup on, and none once closed', async () => {
  const dir = join(makeFolder(), 'sync')
  const { watches, databases, clock, read } = setUpWatched(dir)
  assert.is(watches.length, 0)
  mkdirSync(dir)
  await databases.repositories()
  assert.is(watches.length, 1)
  rmSync(dir, { recursive: true })
  await databases.repositories()
  assert.is(watches.length, 0)
  mkdirSync(dir)
  await databases.repositories()
  watches[0]!(null)
  databases.close()
  assert.is(watches.length, 0)
  await clock.advance(1_000)
  assert.equal(read, [])
})

test('same size and time, other file', async () => {
  const { databases, dir } = setUp({ 'core.db': makeDatabase([NAME, 10, hash('a')]) })
  const time = new Date('2019-06-11')
  utimesSync(join(dir, 'core.db'), time, time)
  await databases.find(NAME)
  replace(dir, 'core.db', makeDatabase([NAME, 10, hash('d')]))
  utimesSync(join(dir, 'core.db'), time, time)
  assert.is((await databases.find(NAME))?.sha256, hash('d'))
})

test('a new database is found, one removed is forgotten', async () => {
  const { databases, dir } = setUp({ 'core.db': one })
  assert.equal(await databases.repositories(), ['core'])
  replace(dir, 'extra.db', other)
  rmSync(join(dir, 'core.db'))
  assert.equal(await databases.repositories(), ['extra'])
  assert.is((await databases.find(NAME))?.sha256, hash('c'))
})

const BROKEN: Record<string, Uint8Array> = {
  'cut-short gzip': one.subarray(0, -9),
  'gzip without its checksum': one.subarray(0, -4),
  'damaged gzip': Buffer.concat([one.subarray(0, 30), Buffer.from([1, 2, 3]), one.subarray(33)]),
  'gzip of a cut-short tar': gzipSync(makeDatabase([NAME, 10, hash('a')]).subarray(0, 900)),
  'gzip of something else': gzipSync('<html>Sign in to this hotel’s network</html>'.repeat(30)),
  'gzip of nothing': gzipSync(''),
  'plain tar, cut short': plain.subarray(0, 900),
  'an empty file': Buffer.alloc(0),
  'one byte': Buffer.from('x'),
  'a compression that nothing here knows (zchunk)': Buffer.concat([Buffer.from('\0ZCK1'), one]),
  'a web page': Buffer.from('<html>Sign in to this hotel’s network</html>'),
}
for (const [what, content] of Object.entries(BROKEN))
  test(`${what} is warned of once; the others are used`, async () => {
    const { databases, warnings, dir } = setUp({ 'core.db': content, 'extra.db': other })
    assert.is((await databases.find(NAME))?.repository, 'extra')
    await databases.find(NAME)
    assert.equal(await databases.repositories(), ['extra'])
    assert.is(warnings.length, 1)
    assert.match(warnings[0]!, join(dir, 'core.db'))
    assert.is(await databases.find(NAME, 'core'), undefined)
  })

test('a good copy is not used once a broken one replaced it; the next good one is', async () => {
  const { databases, warnings, dir } = setUp({ 'core.db': one })
  assert.ok(await databases.find(NAME))
  replace(dir, 'core.db', one.subarray(0, -30))
  assert.is(await databases.find(NAME), undefined)
  replace(dir, 'core.db', one.subarray(0, -31))
  assert.is(await databases.find(NAME), undefined)
  assert.is(warnings.length, 1, 'once until it is right again')
  replace(dir, 'core.db', other)
  assert.is((await databases.find(NAME))?.sha256, hash('c'))
})

test('a folder that is missing, then there', async () => {
  const dir = join(makeFolder(), 'sync')
  const { log, warnings } = makeLog()
  const databases = createSyncDatabases({ log, clock: systemClock }, { dir })
  assert.is(await databases.find(NAME), undefined)
  assert.equal(await databases.repositories(), [])
  assert.is(warnings.length, 1)
  mkdirSync(dir)
  writeFileSync(join(dir, 'core.db'), one)
  assert.ok(await databases.find(NAME))
})

test('one that only root may read is warned of once, and read once that has changed', async () => {
  const { databases, warnings, dir } = setUp({ 'core.db': one, 'extra.db': other })
  chmodSync(dir, 0o755)
  chmodSync(join(dir, 'core.db'), 0)
  await asNobody(async () => {
    assert.equal(await databases.repositories(), ['extra'])
    assert.equal(await databases.repositories(), ['extra'])
  })
  assert.is(warnings.length, 1)
  chmodSync(join(dir, 'core.db'), 0o644)
  await asNobody(async () => assert.ok(await databases.find(NAME, 'core')))
})

test('entries that lack something are left out, the rest is used', async () => {
  const tar = Buffer.concat([
    tarEntry('bad-1-1/desc', '%FILENAME%\nbad.pkg.tar\n\n'),
    tarEntry('evil-1-1/desc', '%FILENAME%\n../evil\n\n%CSIZE%\n1\n\n'),
    tarEntry('bar-1-1/files', '%FILES%\n'),
    plain,
  ])
  const { databases, warnings } = setUp({ 'core.db': gzipSync(tar) })
  assert.ok(await databases.find(NAME))
  assert.is(await databases.find('bad.pkg.tar'), undefined)
  assert.equal(warnings, [])
})

test('a gzip bomb stops at the bound', async () => {
  const bomb = gzipSync(tarEntry('a/desc', Buffer.alloc(50_000_000)))
  const path = join(makeFolder(), 'bomb.db')
  writeFileSync(path, bomb)
  const handle = await open(path)
  try {
    await readDatabase(handle, { totalBytes: 1_000_000, entryBytes: 1000 })
    assert.unreachable()
  } catch (error) {
    assert.match((error as Error).message, 'unpacks to more than 1000000 bytes')
  } finally {
    await handle.close()
  }
})

const real = join(import.meta.dirname, '../../../shared/data/sync-2019')
const hasReal = existsSync(real)
if (!hasReal) console.log('skipped: real databases of 2019: ../shared/data/sync-2019 is not there')
const realTest = hasReal ? test : test.skip

realTest('Arch Linux, June 2019: every package', async () => {
  const { log, warnings } = makeLog()
  const databases = createSyncDatabases({ log, clock: systemClock }, { dir: real })
  assert.equal((await databases.repositories()).sort(), ['core', 'extra', 'multilib'])
  assert.equal(await databases.find('acl-2.2.53-1-x86_64.pkg.tar.xz'), {
    name: 'acl-2.2.53-1-x86_64.pkg.tar.xz',
    size: 135020,
    sha256: '27f4020c77a11992a75b5b99bc1c22797defcea6283b77eb2c311d77b3404443',
    built: 1529391128,
    repository: 'core',
  })
  let packages = 0
  for (const repository of ['core', 'extra', 'multilib']) {
    const text = gunzipSync(readFileSync(join(real, `${repository}.db`))).toString()
    for (const [, name, size, sha256, built] of text.matchAll(
      /%FILENAME%\n(.+)\n[\s\S]*?%CSIZE%\n(.+)\n[\s\S]*?%SHA256SUM%\n(.+)\n[\s\S]*?%BUILDDATE%\n(.+)\n/g,
    )) {
      packages++
      assert.equal(await databases.find(name!, repository), {
        name,
        size: Number(size),
        sha256,
        built: Number(built),
        repository,
      })
    }
  }
  assert.is(packages, 231 + 2917 + 280)
  assert.equal(warnings, [])
})

test.run()
