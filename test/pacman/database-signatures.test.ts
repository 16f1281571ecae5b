import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { silentLog } from '../../src/base/log.ts'
import { createDatabaseSignatures } from '../../src/pacman/database-signatures.ts'
import { createClock } from '../clock.ts'
import { desc, hash, makeFolder, tarEnd, tarEntry } from './make.ts'

const signature = (what: string) =>
  Buffer.concat([Buffer.from([0x88, what.length + 1, 4]), Buffer.from(what)])

/** Packages by the digit of their SHA-256, each with what its database has for a signature. */
function database(packages: [digit: string, carried: Buffer | undefined][]): Buffer {
  const entries = packages.map(([digit, carried], n) => {
    const pgpsig = carried ? `%PGPSIG%\n${carried.toString('base64')}\n\n` : ''
    return tarEntry(`p${n}-1-1/desc`, `${desc(`p${n}.pkg.tar`, 10, hash(digit))}${pgpsig}%URL%\nhttp://x\n\n`)
  })
  return gzipSync(Buffer.concat([...entries, tarEnd]))
}

function setUp(content: Buffer) {
  const dir = makeFolder()
  const path = join(dir, 'core.db')
  writeFileSync(path, content)
  const clock = createClock()
  const signatures = createDatabaseSignatures({ log: silentLog, clock }, { dir })
  const find = (digit: string) => {
    const found = signatures.find('core', hash(digit))
    return found && Buffer.from(found).toString('latin1', 3)
  }
  return { path, clock, signatures, find, load: () => signatures.load('core') }
}

test('the signatures that a database carries, by the package’s SHA-256; none of what is no signature', async () => {
  const { find, load, signatures } = setUp(
    database([
      ['a', signature('one')],
      ['b', undefined],
      ['c', Buffer.from('a page')],
      ['d', signature('x'.repeat(200))],
    ]),
  )
  assert.is(find('a'), undefined, 'not read yet')
  await load()
  assert.equal('abcd'.split('').map(find), ['one', undefined, undefined, 'x'.repeat(200)])
  assert.is(signatures.find('extra', hash('a')), undefined)
})

test('a database of whose first twenty none has one is read no further', async () => {
  const rest = (count: number): [string, undefined][] => Array.from({ length: count }, () => ['0', undefined])
  const none = setUp(database([...rest(20), ['a', signature('one')]]))
  await none.load()
  assert.is(none.find('a'), undefined)
  const some = setUp(database([...rest(19), ['a', signature('one')]]))
  await some.load()
  assert.is(some.find('a'), 'one')
})

test('read again when it has changed; what is missing or damaged carries nothing', async () => {
  const { path, find, load } = setUp(database([['a', signature('one')]]))
  await load()
  writeFileSync(`${path}.new`, database([['a', signature('two')]]))
  renameSync(`${path}.new`, path)
  await load()
  assert.is(find('a'), 'two')
  writeFileSync(path, 'no database')
  await load()
  assert.is(find('a'), undefined)
  rmSync(path)
  await load()
  assert.is(find('a'), undefined)
})

test('forgotten a minute after the last question', async () => {
  const { clock, find, load } = setUp(database([['a', signature('one')]]))
  await load()
  clock.advance(59_999)
  assert.is(find('a'), 'one')
  clock.advance(59_999)
  assert.is(find('a'), 'one')
  clock.advance(60_000)
  assert.is(find('a'), undefined)
  await load()
  assert.is(find('a'), 'one')
})

test.run()
