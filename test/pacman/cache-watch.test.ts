import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { createCacheWatch, type WatchFolder, watchFolder } from '../../src/pacman/cache-watch.ts'
import { makeFolder, makeLog } from './make.ts'

const NAME = 'foo-1-1-any.pkg.tar.zst'

/** A folder's watch, in the test's hands. */
function makeWatch(fail?: () => string | undefined) {
  const open = new Set<{ dir: string; onName: (name: string | null) => void; onError: (e: Error) => void }>()
  const watch: WatchFolder = (dir, onName, onError) => {
    const code = fail?.()
    if (code) throw Object.assign(new Error(code), { code })
    const entry = { dir, onName, onError }
    open.add(entry)
    return () => open.delete(entry)
  }
  return { watch, open }
}

test('only package files are activity', () => {
  const { watch, open } = makeWatch()
  let activity = 0
  const watches = createCacheWatch({ log: makeLog().log, watchFolder: watch }, ['/a'], () => activity++)
  watches.renew()
  const { onName } = [...open][0]!
  for (const name of [`${NAME}.part`, `${NAME}.sig`, 'download-x', 'a']) onName(name)
  assert.is(activity, 0)
  onName(NAME)
  onName(null)
  assert.is(activity, 2)
})

test('renewing leaves one watch a folder, closing none', () => {
  const { watch, open } = makeWatch()
  const watches = createCacheWatch({ log: makeLog().log, watchFolder: watch }, ['/a', '/b'], () => {})
  watches.renew()
  watches.renew()
  assert.equal([...open].map(({ dir }) => dir).sort(), ['/a', '/b'])
  watches.close()
  assert.is(open.size, 0)
})

test('no more watches to be had: warned of once, tried again', () => {
  let code: string | undefined = 'ENOSPC'
  const { watch, open } = makeWatch(() => code)
  const { log, warnings } = makeLog()
  const watches = createCacheWatch({ log, watchFolder: watch }, ['/a'], () => {})
  watches.renew()
  watches.renew()
  assert.is(warnings.length, 1)
  code = 'EACCES'
  watches.renew()
  assert.is(warnings.length, 2)
  code = undefined
  watches.renew()
  assert.is(open.size, 1)
})

test('a folder that is not there yet is no fault', () => {
  const { log, warnings } = makeLog()
  const { watch } = makeWatch(() => 'ENOENT')
  createCacheWatch({ log, watchFolder: watch }, ['/a'], () => {}).renew()
  assert.equal(warnings, [])
})

test('a watch that fails later is ended and taken up by the next renewal', () => {
  const { watch, open } = makeWatch()
  const { log, warnings } = makeLog()
  const watches = createCacheWatch({ log, watchFolder: watch }, ['/a'], () => {})
  watches.renew()
  for (const { onError } of open) onError(Object.assign(new Error('no'), { code: 'ENOSPC' }))
  assert.is(open.size, 0)
  assert.is(warnings.length, 1)
  watches.renew()
  assert.is(open.size, 1)
})

test('the real thing: a rename into the folder, a removal, and a folder made again', async () => {
  // The watch alone doesn't keep the process.
  const alive = setInterval(() => {}, 60_000)
  const dir = join(makeFolder(), 'pkg')
  mkdirSync(dir)
  let heard = () => {}
  const next = () => new Promise<void>((resolve) => (heard = resolve))
  const watches = createCacheWatch({ log: makeLog().log, watchFolder }, [dir], () => heard())
  watches.renew()
  writeFileSync(join(dir, `${NAME}.part`), 'x')
  const renamed = next()
  renameSync(join(dir, `${NAME}.part`), join(dir, NAME))
  await renamed
  const removed = next()
  rmSync(join(dir, NAME))
  await removed
  rmSync(dir, { recursive: true })
  mkdirSync(dir)
  watches.renew()
  const again = next()
  writeFileSync(join(dir, NAME), 'x')
  await again
  watches.close()
  clearInterval(alive)
})

test.run()
