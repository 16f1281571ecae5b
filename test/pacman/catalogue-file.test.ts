import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Packr } from 'msgpackr'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { rootOf } from '../../src/base/chunks.ts'
import { sha256 } from '../../src/base/sha256.ts'
import { loadCatalogue, saveCatalogue } from '../../src/pacman/catalogue-file.ts'
import type { CatalogueFile } from '../../src/pacman/holdings.ts'
import { hash, makeFolder, makeLog } from './make.ts'

const chunkHashes = Buffer.alloc(96, 'chunk hashes')
const FILE: CatalogueFile = {
  path: '/cache/foo-1:2+a~b-1-any.pkg.tar.zst',
  name: 'foo-1:2+a~b-1-any.pkg.tar.zst',
  size: 16 * 1024 ** 3,
  mtimeMs: 1_800_000_000_123.4568,
  inode: Number.MAX_SAFE_INTEGER,
  sha256: hash('a'),
  root: rootOf(chunkHashes),
  chunkHashes,
}

test('what was saved is loaded, to the last digit', async () => {
  const dir = makeFolder()
  const stateFile = join(dir, 'catalogue')
  const { log, warnings } = makeLog()
  const small = { ...FILE, path: '/cache/b.pkg.tar', name: 'b.pkg.tar', size: 1, mtimeMs: 0, inode: 2 ** 40 }
  await saveCatalogue(stateFile, [FILE])
  await saveCatalogue(stateFile, [FILE, small])
  const loaded = await loadCatalogue(log, stateFile)
  assert.equal([...loaded.keys()], [FILE.path, small.path])
  assert.equal(loaded.get(FILE.path), FILE)
  assert.equal(loaded.get(small.path), small)
  assert.equal(readdirSync(dir), ['catalogue'])
  assert.equal(warnings, [])
})

test('none yet is no fault', async () => {
  const { log, warnings } = makeLog()
  assert.is((await loadCatalogue(log, join(makeFolder(), 'catalogue'))).size, 0)
  assert.equal(warnings, [])
})

test('a row of another kind, though the checksum is right: warned of, and nothing of it used', async () => {
  const row = ['/cache/a.pkg.tar', 1, 1, 1, Buffer.alloc(32), Buffer.alloc(32)]
  const changed = (at: number, value: unknown) => row.with(at, value as string)
  const stateFile = join(makeFolder(), 'catalogue')
  const load = async (rows: unknown[]) => {
    const body = new Packr({ useRecords: false }).pack(['pacsrv catalogue 1', rows])
    writeFileSync(stateFile, Buffer.concat([Buffer.from(sha256(body), 'hex'), body]))
    const { log, warnings } = makeLog()
    return { files: (await loadCatalogue(log, stateFile)).size, warnings: warnings.length }
  }
  assert.equal(await load([row]), { files: 1, warnings: 0 })
  for (const bad of [
    'row',
    row.slice(1),
    changed(0, 1),
    changed(1, '1'),
    changed(2, Number.NaN),
    changed(3, 1.5),
    changed(4, Buffer.alloc(31)),
    changed(5, 'x'.repeat(32)),
    changed(5, Buffer.alloc(33)),
  ]) {
    assert.equal(await load([row, bad]), { files: 0, warnings: 1 }, JSON.stringify(bad))
  }
})

test('cut short, damaged or foreign: warned of, and nothing of it used', async () => {
  const stateFile = join(makeFolder(), 'catalogue')
  await saveCatalogue(stateFile, [FILE])
  const whole = readFileSync(stateFile)
  const damaged = Buffer.from(whole)
  damaged[whole.length - 5]! ^= 1
  for (const content of [
    whole.subarray(0, -1),
    damaged,
    Buffer.alloc(0),
    Buffer.from('x'),
    Buffer.alloc(500, 'x'),
  ]) {
    const { log, warnings } = makeLog()
    writeFileSync(stateFile, content)
    assert.is((await loadCatalogue(log, stateFile)).size, 0)
    assert.is(warnings.length, 1)
    assert.match(warnings[0]!, stateFile)
  }
})

test('a save that fails leaves the old one', async () => {
  const stateFile = join(makeFolder(), 'catalogue')
  await saveCatalogue(stateFile, [FILE])
  mkdirSync(`${stateFile}.part`)
  await saveCatalogue(stateFile, []).then(
    () => assert.unreachable(),
    (error) => assert.is(error.code, 'EISDIR'),
  )
  assert.is((await loadCatalogue(makeLog().log, stateFile)).size, 1)
})

test.run()
