import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { silentLog } from '../../../src/base/log.ts'
import { createIdentity, idOf, loadIdentity, proofText } from '../../../src/overlay/session/identity.ts'

const folder = mkdtempSync(join(tmpdir(), 'pacsrv-identity-'))
test.after(() => rmSync(folder, { recursive: true }))

test('an identity is made once, for its owner only, and stays', async () => {
  const file = join(folder, 'node.key')
  const first = await loadIdentity(file, silentLog)
  assert.is(statSync(file).mode & 0o777, 0o600)
  const again = await loadIdentity(file, silentLog)
  assert.is(again.id, first.id)
  assert.is(first.id, idOf(first.key))
  assert.match(first.id, /^[0-9a-f]{64}$/)
  const text = Buffer.from('text')
  assert.ok(first.verify(again.key, text, again.sign(text)))
})

for (const [what, content] of [
  ['cut short', '-----BEGIN PRIVATE KEY-----\nMC4CAQAw'],
  ['empty', ''],
] as const) {
  test(`a key file that is ${what} is set aside with a warning, and replaced`, async () => {
    const file = join(folder, `${what}.key`)
    writeFileSync(file, content)
    const warnings: string[] = []
    const log = { ...silentLog, warn: (_: object, message: string) => void warnings.push(message) }
    const { id } = await loadIdentity(file, log)
    assert.is(readFileSync(`${file}.damaged`, 'utf8'), content)
    assert.is(warnings.length, 1)
    assert.ok(warnings[0]!.includes(file))
    assert.is((await loadIdentity(file, silentLog)).id, id)
  })
}

test('a folder that is not there is an error, and nothing is left behind', async () => {
  const file = join(folder, 'absent', 'node.key')
  const error = await loadIdentity(file, silentLog).catch((thrown) => thrown)
  assert.is(error.code, 'ENOENT')
  assert.not.ok(existsSync(file))
})

test('a signature is good for its key and its text only, and nonsense is no error', () => {
  const [a, b] = [createIdentity(), createIdentity()]
  const text = Buffer.from('text')
  const signature = a.sign(text)
  assert.ok(b.verify(a.key, text, signature))
  assert.not.ok(b.verify(b.key, text, signature))
  assert.not.ok(b.verify(a.key, Buffer.from('other'), signature))
  assert.not.ok(b.verify('ff'.repeat(32), text, signature))
  assert.not.ok(b.verify('', text, ''))
})

test('a proof is bound to both keys, both nonces, and the role', () => {
  const [a, b] = [
    { key: '01'.repeat(32), nonce: '02'.repeat(32) },
    { key: '03'.repeat(32), nonce: '04'.repeat(32) },
  ]
  const other = '05'.repeat(32)
  const texts = [
    proofText('dialler', a, b),
    proofText('accepter', a, b),
    proofText('dialler', b, a),
    proofText('dialler', { ...a, nonce: other }, b),
    proofText('dialler', a, { ...b, nonce: other }),
    proofText('dialler', { ...a, key: other }, b),
    proofText('dialler', a, { ...b, key: other }),
  ].map((text) => Buffer.from(text).toString('hex'))
  assert.is(new Set(texts).size, texts.length)
})

test.run()
