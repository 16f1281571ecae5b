import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { PacsrvError } from '../../src/base/error.ts'
import { networkKey, readKeyFile } from '../../src/net/key-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'pacsrv-key-'))
const file = join(folder, 'key')
const hex = '0123456789abcdef'.repeat(4)

test.after(() => rmSync(folder, { recursive: true }))

function write(text: string, mode = 0o640) {
  writeFileSync(file, text)
  chmodSync(file, mode)
}

/** That reading fails with a sentence that names the file and has these words. */
function fails(words: string, of = file) {
  try {
    readKeyFile(of)
  } catch (error) {
    assert.instance(error, PacsrvError)
    assert.is((error as PacsrvError).code, 'config')
    assert.ok((error as Error).message.includes(`key-file ${of} `), (error as Error).message)
    assert.ok((error as Error).message.includes(words), (error as Error).message)
    assert.not.ok((error as Error).message.includes(hex.slice(0, 8)), 'the key itself is told to nobody')
    return
  }
  assert.unreachable(`${words}: no error`)
}

test('64 hex digits are a key; comments, blank lines and case are no part of it', () => {
  write(`${hex}\n`)
  const key = readKeyFile(file)
  assert.is(key.secret.toString('hex'), hex)
  write(`# office\n\n  ${hex.toUpperCase()}\r\n#${hex}\n`, 0o600)
  assert.equal(readKeyFile(file), key)
})

test('an id is the same for the same key alone, and has nothing of it', () => {
  const [one, other] = [networkKey(Buffer.alloc(32, 1)), networkKey(Buffer.alloc(32, 2))]
  assert.is(one.id, networkKey(Buffer.alloc(32, 1)).id)
  assert.is.not(one.id, other.id)
  assert.match(one.id, /^[0-9a-f]{32}$/)
})

test('what is no key is said to be none', () => {
  for (const text of [
    '',
    '# nothing\n',
    hex.slice(1),
    `${hex}0`,
    `${hex.slice(0, 32)}\n${hex.slice(32)}`,
    `${hex}\n${hex}`,
    'correct horse battery staple',
    `g${hex.slice(1)}`,
  ]) {
    write(text)
    fails('openssl rand -hex 32')
  }
  write(`${hex}\n${'#'.repeat(4096 - 65)}`)
  readKeyFile(file)
  write(`${hex}\n${'#'.repeat(4097 - 65)}`)
  fails("isn't a file of 64 hex digits")
})

test('a file that everybody may read or write is refused, with the mend', () => {
  for (const mode of [0o644, 0o602, 0o661]) {
    write(hex, mode)
    fails(`chmod o= ${file}`)
  }
})

test('a file that is missing, a folder, or in the way of nothing readable is named', () => {
  fails("isn't there", join(folder, 'none'))
  mkdirSync(join(folder, 'dir'), { recursive: true, mode: 0o750 })
  fails("isn't a file", join(folder, 'dir'))
  fails("isn't a file", '/dev/null')
})

test('a file that the daemon may not read is named, with the mend', () => {
  // Root may read whatever its mode; anybody else has none.
  const isRoot = process.getuid?.() === 0
  write(hex, isRoot ? 0o600 : 0)
  chmodSync(folder, 0o755)
  if (isRoot) process.seteuid!(65534)
  try {
    fails(`chgrp pacsrv ${file} && chmod 640 ${file}`)
  } finally {
    if (isRoot) process.seteuid!(0)
    chmodSync(file, 0o600)
  }
})

test.run()
