import { execFileSync } from 'node:child_process'
import {
  linkSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { isPackageName, listPackages, openUnchanged } from '../../src/pacman/cache-folder.ts'
import { limits } from '../../src/wire/limits.ts'
import { makeFolder } from './make.ts'

test('names of package files', () => {
  for (const name of [
    'foo-1-1-any.pkg.tar',
    'foo-1-1-any.pkg.tar.zst',
    'foo-1:2.3+a~b-1-x86_64.pkg.tar.xz',
    'download-manager-1-1-any.pkg.tar.gz',
    `${'n'.repeat(243)}.pkg.tar.zst`,
  ])
    assert.ok(isPackageName(name), name)
  for (const name of [
    'foo.pkg.tar.zst.part',
    'foo.pkg.tar.part',
    'foo.pkg.tar.zst.sig',
    'foo.pkg.tar.sig',
    '.foo.pkg.tar.zst',
    '.pkg.tar.zst',
    'foo.tar.zst',
    'foo.pkg.tar.',
    'foo.pkg.tarx',
    'core.db',
    'a\nb.pkg.tar.zst',
    `${'n'.repeat(244)}.pkg.tar.zst`,
    '',
  ])
    assert.not(isPackageName(name), JSON.stringify(name))
})

test('only plain files with content are listed', async () => {
  const dir = makeFolder()
  const make = (name: string, content = 'x') => writeFileSync(join(dir, name), content)
  make('good-1:1+a~b-1-any.pkg.tar.zst', 'abc')
  make('empty-1-1-any.pkg.tar.zst', '')
  make('part-1-1-any.pkg.tar.zst.part')
  make('sig-1-1-any.pkg.tar.zst.sig')
  make('.dot-1-1-any.pkg.tar.zst')
  make('huge-1-1-any.pkg.tar.zst')
  truncateSync(join(dir, 'huge-1-1-any.pkg.tar.zst'), limits.fileBytes + 1)
  make('limit-1-1-any.pkg.tar.zst')
  truncateSync(join(dir, 'limit-1-1-any.pkg.tar.zst'), limits.fileBytes)
  mkdirSync(join(dir, 'folder-1-1-any.pkg.tar.zst'))
  mkdirSync(join(dir, 'download-abc'))
  writeFileSync(join(dir, 'download-abc', 'below-1-1-any.pkg.tar.zst'), 'x')
  symlinkSync('good-1:1+a~b-1-any.pkg.tar.zst', join(dir, 'link-1-1-any.pkg.tar.zst'))
  symlinkSync('/dev/zero', join(dir, 'device-1-1-any.pkg.tar.zst'))
  execFileSync('mkfifo', [join(dir, 'fifo-1-1-any.pkg.tar.zst')])
  const files = await listPackages(dir)
  assert.equal(files.map(({ name, size }) => [name, size]).sort(), [
    ['good-1:1+a~b-1-any.pkg.tar.zst', 3],
    ['limit-1-1-any.pkg.tar.zst', limits.fileBytes],
  ])
})

async function makeFile() {
  const dir = makeFolder()
  const path = join(dir, 'a-1-1-any.pkg.tar.zst')
  writeFileSync(path, 'abc')
  const [file] = await listPackages(dir)
  return { dir, path, file: file! }
}

test('the very file is opened', async () => {
  const { file } = await makeFile()
  const handle = await openUnchanged(file)
  assert.is((await handle!.readFile()).toString(), 'abc')
  await handle!.close()
})

test('not one that is gone, changed, replaced, or become a link', async () => {
  const gone = await makeFile()
  await rename(gone.path, `${gone.path}.part`)
  assert.is(await openUnchanged(gone.file), undefined)

  const grown = await makeFile()
  writeFileSync(grown.path, 'abcd')
  assert.is(await openUnchanged(grown.file), undefined)

  const touched = await makeFile()
  utimesSync(touched.path, 1, 1)
  assert.is(await openUnchanged(touched.file), undefined)

  const replaced = await makeFile()
  const { mtimeMs } = replaced.file
  writeFileSync(join(replaced.dir, 'new'), 'xyz')
  utimesSync(join(replaced.dir, 'new'), mtimeMs / 1000, mtimeMs / 1000)
  await rename(join(replaced.dir, 'new'), replaced.path)
  assert.is(await openUnchanged(replaced.file), undefined)

  const linked = await makeFile()
  linkSync(linked.path, join(linked.dir, 'same'))
  await rename(linked.path, join(linked.dir, 'old'))
  symlinkSync('same', linked.path)
  assert.is(readFileSync(linked.path, 'utf8'), 'abc')
  assert.is(await openUnchanged(linked.file), undefined)
})

test.run()
