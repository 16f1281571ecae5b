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
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { rootOf } from '../../src/base/chunks.ts'
import { PacsrvError } from '../../src/base/error.ts'
import { createProblems } from '../../src/base/problems.ts'
import { sha256 } from '../../src/base/sha256.ts'
import { type Catalogue, createCatalogue } from '../../src/pacman/catalogue.ts'
import { type FileHashes, hashFile } from '../../src/pacman/hash-file.ts'
import { createClock } from '../clock.ts'
import { asNobody, makeFolder, makeLog } from './make.ts'

const NAME = 'foo-1:2.3+a~b-1-any.pkg.tar.zst'
const OTHER = 'bar-1-1-any.pkg.tar.xz'
const hashOf = (text: string) => sha256(Buffer.from(text))

interface Setting {
  dirs?: string[]
  state?: string
  /** Stands in for reading the file. */
  hash?: (path: string) => Promise<FileHashes>
}

function setUp({ dirs = [makeFolder()], state = makeFolder(), hash }: Setting = {}) {
  const { log, warnings } = makeLog()
  const clock = createClock()
  const hashed: string[] = []
  const touched = new Map<string, (name: string | null) => void>()
  const stateFile = join(state, 'catalogue')
  let catalogue: Catalogue | undefined
  return {
    dir: dirs[0]!,
    dirs,
    state,
    stateFile,
    clock,
    warnings,
    hashed,
    watched: () => [...touched.keys()],
    /** What a watch would say. */
    touch: (name: string | null) => touched.get(dirs[0]!)?.(name),
    start() {
      catalogue ??= createCatalogue(
        {
          log,
          clock,
          problems: createProblems(clock),
          hashFile: async (path) => {
            hashed.push(path)
            return (hash ?? (async () => hashFile(path)))(path)
          },
          watchFolder: (dir, onName) => {
            touched.set(dir, onName)
            return () => {}
          },
        },
        { dirs, stateFile },
      )
      return catalogue
    },
  }
}

type Place = ReturnType<typeof setUp>
const put = ({ dir }: Pick<Place, 'dir'>, name: string, content: string) =>
  writeFileSync(join(dir, name), content)

async function started(place: Place) {
  const catalogue = place.start()
  await catalogue.ready
  return catalogue
}

function record(catalogue: Catalogue) {
  const told: string[] = []
  catalogue.onChange((added, removed) => {
    told.push(...added.map(({ name }) => `+${name}`), ...removed.map(({ name }) => `-${name}`))
  })
  return told
}

async function rejection(promise: Promise<unknown>): Promise<PacsrvError> {
  try {
    await promise
  } catch (error) {
    assert.instance(error, PacsrvError)
    return error as PacsrvError
  }
  return assert.unreachable() as never
}

test('what is in the cache is found, opened and described', async () => {
  const place = setUp()
  put(place, NAME, 'abc')
  put(place, OTHER, 'defg')
  put(place, `${NAME}.sig`, 'sig')
  const catalogue = await started(place)
  assert.equal([catalogue.count, catalogue.bytes, catalogue.unreadable], [2, 7, 0])
  const file = catalogue.find(hashOf('abc'))!
  assert.equal([file.name, file.size, file.path], [NAME, 3, join(place.dir, NAME)])
  assert.is(Buffer.from(file.chunkHashes).toString('hex'), hashOf('abc'))
  assert.is(file.root, rootOf(file.chunkHashes))
  const opened = await catalogue.open(hashOf('abc'))
  assert.is((await opened.handle.readFile()).toString(), 'abc')
  await opened.handle.close()
  assert.is(catalogue.find(hashOf('sig')), undefined)
  assert.is((await rejection(catalogue.open(hashOf('sig')))).code, 'absent')
  await catalogue.close()
})

test('a restart hashes nothing again but what has changed', async () => {
  const place = setUp()
  put(place, NAME, 'abc')
  put(place, OTHER, 'defg')
  await (await started(place)).close()
  put(place, OTHER, 'changed')
  put(place, 'new-1-1-any.pkg.tar', 'new')
  const again = setUp(place)
  const catalogue = again.start()
  const told = record(catalogue)
  await catalogue.ready
  assert.equal(again.hashed.sort(), [join(place.dir, OTHER), join(place.dir, 'new-1-1-any.pkg.tar')].sort())
  assert.ok(catalogue.find(hashOf('abc')))
  assert.ok(catalogue.find(hashOf('changed')))
  assert.is(catalogue.find(hashOf('defg')), undefined)
  assert.equal(told.sort(), [`+${NAME}`, `+${OTHER}`, '+new-1-1-any.pkg.tar'].sort())
  await catalogue.close()
})

test('what was known before is offered while new files are still being hashed', async () => {
  const place = setUp()
  put(place, NAME, 'abc')
  await (await started(place)).close()
  put(place, OTHER, 'new')
  const catalogue: Catalogue = setUp({
    ...place,
    hash: async (path) => {
      assert.ok(catalogue.find(hashOf('abc')))
      return hashFile(path)
    },
  }).start()
  await catalogue.ready
  assert.is(catalogue.count, 2)
  await catalogue.close()
})

test('a catalogue that is damaged is warned of and made anew', async () => {
  const place = setUp()
  put(place, NAME, 'abc')
  await (await started(place)).close()
  writeFileSync(place.stateFile, readFileSync(place.stateFile).subarray(0, -1))
  const again = setUp(place)
  const catalogue = await started(again)
  assert.is(again.warnings.length, 1)
  assert.is(again.hashed.length, 1)
  assert.ok(catalogue.find(hashOf('abc')))
  await catalogue.close()
  assert.equal((await started(setUp(place))).count, 1)
})

test('a state folder that is missing costs a warning, nothing else', async () => {
  const place = setUp({ state: join(makeFolder(), 'missing') })
  put(place, NAME, 'abc')
  const catalogue = await started(place)
  await catalogue.close()
  assert.ok(catalogue.find(hashOf('abc')))
  assert.is(place.warnings.length, 1)
})

test('it is saved when changes have settled', async () => {
  const place = setUp()
  put(place, NAME, 'abc')
  const catalogue = await started(place)
  assert.not(existsSync(place.stateFile))
  place.clock.advance(10_000)
  while (!existsSync(place.stateFile)) await new Promise(setImmediate)
  const again = setUp(place)
  await started(again)
  assert.equal(again.hashed, [])
  await catalogue.close()
})

test('files that come, change and go are told of', async () => {
  const place = setUp()
  put(place, NAME, 'abc')
  const catalogue = await started(place)
  const told = record(catalogue)
  put(place, OTHER, 'defg')
  await catalogue.rescan()
  assert.equal(told.splice(0), [`+${OTHER}`])
  put(place, OTHER, 'changed')
  await catalogue.rescan()
  assert.equal(told.splice(0), [`-${OTHER}`, `+${OTHER}`])
  rmSync(join(place.dir, NAME))
  await catalogue.rescan()
  assert.equal(told.splice(0), [`-${NAME}`])
  assert.is(catalogue.find(hashOf('abc')), undefined)
  await catalogue.rescan()
  assert.equal(told, [])
  await catalogue.close()
})

test('a burst of changes is one look, half a second later', async () => {
  const place = setUp()
  const catalogue = await started(place)
  const changed = new Promise<void>((resolve) => catalogue.onChange(() => resolve()))
  put(place, NAME, 'abc')
  for (let i = 0; i < 100; i++) place.touch(NAME)
  place.clock.advance(499)
  assert.equal(place.hashed, [])
  place.clock.advance(1)
  await changed
  assert.equal(place.hashed, [join(place.dir, NAME)])
  await catalogue.close()
})

test('a look now and then, should a watch be lost; a folder may appear later', async () => {
  const dir = join(makeFolder(), 'pkg')
  const place = setUp({ dirs: [dir] })
  const catalogue = await started(place)
  assert.equal(place.warnings, [])
  const changed = new Promise<void>((resolve) => catalogue.onChange(() => resolve()))
  mkdirSync(dir)
  put(place, NAME, 'abc')
  place.clock.advance(10 * 60_000)
  await changed
  assert.ok(catalogue.find(hashOf('abc')))
  await catalogue.close()
})

test('two files of one content: one is offered, the other when that is gone', async () => {
  const place = setUp({ dirs: [makeFolder(), makeFolder()] })
  for (const dir of place.dirs) put({ dir }, NAME, 'abc')
  const catalogue = await started(place)
  assert.equal([catalogue.count, catalogue.bytes, catalogue.files().length], [1, 3, 1])
  const told = record(catalogue)
  const first = catalogue.find(hashOf('abc'))!
  rmSync(first.path)
  const { file, handle } = await catalogue.open(hashOf('abc'))
  await handle.close()
  assert.is.not(file.path, first.path)
  assert.equal(told, [])
  rmSync(file.path)
  assert.is((await rejection(catalogue.open(hashOf('abc')))).code, 'absent')
  assert.equal(told, [`-${NAME}`])
  await catalogue.close()
})

test('a file changed since is not opened, and is hashed again', async () => {
  const place = setUp()
  put(place, NAME, 'abc')
  const catalogue = await started(place)
  put(place, NAME, 'abcd')
  assert.is((await rejection(catalogue.open(hashOf('abc')))).code, 'absent')
  assert.is(catalogue.find(hashOf('abc')), undefined)
  const changed = new Promise<void>((resolve) => catalogue.onChange(() => resolve()))
  place.clock.advance(500)
  await changed
  assert.ok(catalogue.find(hashOf('abcd')))
  await catalogue.close()
})

test('a rotten file, its times and size as before, is hashed again once forgotten', async () => {
  const place = setUp()
  put(place, NAME, 'abc')
  utimesSync(join(place.dir, NAME), 1, 1)
  const catalogue = await started(place)
  put(place, NAME, 'abX')
  utimesSync(join(place.dir, NAME), 1, 1)
  await catalogue.rescan()
  assert.ok(catalogue.find(hashOf('abc')))
  const told = record(catalogue)
  catalogue.forget(hashOf('abc'))
  assert.is(catalogue.find(hashOf('abc')), undefined)
  assert.equal(told, [`-${NAME}`])
  await catalogue.rescan()
  assert.ok(catalogue.find(hashOf('abX')))
  await catalogue.close()
})

test('a file that changes while it is hashed is hashed again', async () => {
  let once = true
  const place = setUp({
    hash: async (path) => {
      const hashes = hashFile(path)
      if (once) writeFileSync(path, 'abcd')
      once = false
      return hashes
    },
  })
  put(place, NAME, 'abc')
  const catalogue = await started(place)
  assert.equal(
    catalogue.files().map(({ sha256, size }) => [sha256, size]),
    [[hashOf('abcd'), 4]],
  )
  await catalogue.close()
})

test('one that keeps changing is left for later, one that vanishes is dropped', async () => {
  let writes = 0
  const place = setUp({
    hash: async (path) => {
      const hashes = hashFile(path)
      if (path.endsWith(OTHER)) rmSync(path)
      else writeFileSync(path, 'x'.repeat(++writes + 3))
      return hashes
    },
  })
  put(place, NAME, 'abc')
  put(place, OTHER, 'gone')
  const catalogue = await started(place)
  assert.equal([catalogue.count, catalogue.unreadable, place.hashed.length], [0, 0, 4])
  assert.equal(place.warnings, [])
  await catalogue.close()
})

test('files that may not be read are counted, quietly, and taken up when they may', async () => {
  const place = setUp()
  for (const folder of [place.dir, place.state]) chmodSync(folder, 0o755)
  put(place, NAME, 'abc')
  put(place, OTHER, 'defg')
  chmodSync(join(place.dir, NAME), 0)
  await asNobody(async () => {
    const catalogue = await started(place)
    assert.equal([catalogue.count, catalogue.unreadable], [1, 1])
  })
  assert.equal(place.warnings, [])
  chmodSync(join(place.dir, NAME), 0o644)
  const catalogue = place.start()
  await catalogue.rescan()
  assert.equal([catalogue.count, catalogue.unreadable], [2, 0])
  await catalogue.close()
})

test('a folder that may not be read is warned of once; the others are used', async () => {
  const place = setUp({ dirs: [makeFolder(), makeFolder()] })
  chmodSync(place.dirs[0]!, 0)
  for (const folder of [place.dirs[1]!, place.state]) chmodSync(folder, 0o755)
  put({ dir: place.dirs[1]! }, NAME, 'abc')
  await asNobody(async () => {
    const catalogue = await started(place)
    await catalogue.rescan()
    assert.is(catalogue.count, 1)
  })
  assert.is(place.warnings.length, 1)
  await place.start().close()
})

test('a file that cannot be read for another reason is warned of', async () => {
  const place = setUp({ hash: () => Promise.reject(Object.assign(new Error('EIO'), { code: 'EIO' })) })
  put(place, NAME, 'abc')
  const catalogue = await started(place)
  assert.equal([catalogue.count, catalogue.unreadable, place.warnings.length], [0, 1, 1])
  await catalogue.close()
})

test('asked many times at once, it looks twice at most', async () => {
  const place = setUp()
  const catalogue = await started(place)
  const first = catalogue.rescan()
  put(place, NAME, 'abc')
  await Promise.all([first, ...Array.from({ length: 50 }, () => catalogue.rescan())])
  assert.ok(catalogue.find(hashOf('abc')))
  assert.is(place.hashed.length, 1)
  await catalogue.close()
})

test('a folder given twice, or with a slash behind it, is one', async () => {
  const dir = makeFolder()
  const place = setUp({ dirs: [dir, `${dir}/`] })
  put(place, NAME, 'abc')
  const catalogue = await started(place)
  rmSync(join(dir, NAME))
  await catalogue.rescan()
  assert.is(catalogue.count, 0)
  assert.is(place.hashed.length, 1)
  assert.equal(place.watched(), [dir])
  await catalogue.close()
})

test('a rename within the folder is noticed', async () => {
  const place = setUp()
  put(place, NAME, 'abc')
  const catalogue = await started(place)
  renameSync(join(place.dir, NAME), join(place.dir, OTHER))
  await catalogue.rescan()
  assert.is(catalogue.find(hashOf('abc'))?.name, OTHER)
  await catalogue.close()
})

test('closed before the first look is over, it keeps what an earlier run knew', async () => {
  const place = setUp()
  put(place, NAME, 'abc')
  await (await started(place)).close()
  await setUp(place).start().close()
  const again = setUp(place)
  await started(again)
  assert.equal(again.hashed, [])
})

test('small files are hashed eight at a time; closed meanwhile, it stops after those', async () => {
  let release = () => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  let begun = () => {}
  const hashing = new Promise<void>((resolve) => (begun = resolve))
  const place = setUp({
    hash: async (path) => {
      begun()
      await held
      return hashFile(path)
    },
  })
  for (let n = 0; n < 20; n++) put(place, `some${n}-1-1-any.pkg.tar.zst`, `${n}`)
  const catalogue = place.start()
  await hashing
  await catalogue.close()
  release()
  await catalogue.ready
  assert.is(place.hashed.length, 8)
  assert.is(catalogue.count, 0)
  assert.not(place.clock.step())
})

test.run()
