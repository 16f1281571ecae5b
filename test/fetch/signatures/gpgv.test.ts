import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { fileInMemory } from '../../../src/base/readable-file.ts'
import { createGpgv, verdictOf } from '../../../src/fetch/signatures/gpgv.ts'
import { makeFolder } from '../../pacman/make.ts'

const lines = (...words: string[]) => words.map((word) => `[GNUPG:] ${word} 1234`).join('\n')

for (const [status, exitCode, verdict] of [
  [lines('NEWSIG', 'GOODSIG', 'VALIDSIG'), 0, 'good'],
  [lines('NEWSIG', 'BADSIG'), 1, 'bad'],
  [lines('NEWSIG', 'ERRSIG', 'NO_PUBKEY'), 2, 'bad'],
  [lines('NEWSIG', 'REVKEYSIG', 'VALIDSIG'), 0, 'bad'],
  [lines('NEWSIG', 'GOODSIG', 'VALIDSIG', 'NEWSIG', 'BADSIG'), 1, 'bad'],
  [lines('NEWSIG', 'EXPKEYSIG', 'VALIDSIG'), 0, 'unknown'],
  [lines('NODATA'), 2, 'bad'],
  ['', 0, 'unknown'],
  ['', 2, 'unknown'],
] as const) {
  test(`gpgv says ${status.replace(/\[GNUPG:\] | 1234/g, '').split('\n')} with ${exitCode}: ${verdict}`, () => {
    assert.is(verdictOf(status, exitCode), verdict)
  })
}

const isThere = () => {
  try {
    for (const name of ['gpg', 'gpgv']) execFileSync(name, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
const withGpg = isThere() ? test : test.skip
if (withGpg === test.skip) console.log('skipped: gpgv itself: it is not installed')

withGpg('gpgv itself: this package, another, another key, no keyring', async () => {
  const folder = makeFolder()
  const file = join(folder, 'file')
  const other = join(folder, 'other')
  writeFileSync(file, 'a package')
  writeFileSync(other, 'another package')
  for (const who of ['one', 'two']) {
    const home = join(folder, who)
    mkdirSync(home, { mode: 0o700 })
    const gpg = (...words: string[]) =>
      execFileSync('gpg', ['--homedir', home, '--batch', '--quiet', ...words], { stdio: 'ignore' })
    gpg('--passphrase', '', '--quick-generate-key', who, 'ed25519', 'sign')
    gpg('--output', join(folder, `${who}.sig`), '--detach-sign', file)
    mkdirSync(join(folder, `keys-${who}`))
    gpg('--output', join(folder, `keys-${who}`, 'pubring.gpg'), '--export')
    execFileSync('gpgconf', ['--homedir', home, '--kill', 'all'])
  }
  const verdict = async (who: string, keys: string, path: string, inMemory = false) => {
    const handle = inMemory ? fileInMemory(await readFile(path), new Date()) : await open(path)
    try {
      return await createGpgv(async () => join(folder, keys))(
        await readFile(join(folder, `${who}.sig`)),
        handle,
      )
    } finally {
      await handle.close()
    }
  }
  assert.is(await verdict('one', 'keys-one', file), 'good')
  assert.is(await verdict('one', 'keys-one', other), 'bad')
  assert.is(await verdict('one', 'keys-one', file, true), 'good')
  assert.is(await verdict('one', 'keys-one', other, true), 'bad')
  assert.is(await verdict('two', 'keys-one', file), 'bad')
  assert.is(await verdict('one', 'nothing', file), 'unknown')
})

test.run()
