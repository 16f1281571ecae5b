/** Which Node runs what runs by Node: the one that lies beside the bundles, or the system's. */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { installFront } from './front-program.ts'

const dir = mkdtempSync(join(tmpdir(), 'pacsrv-own-node-'))
const [lib, bin] = [join(dir, 'lib'), join(dir, 'bin')] as const
const own = join(lib, 'node')
const conf = join(dir, 'pacsrv.conf')
let program: string

test.before(() => {
  chmodSync(dir, 0o777)
  for (const folder of [lib, bin]) mkdirSync(folder)
  program = installFront(lib)
  putNode(join(bin, 'node'), 'system')
  writeFileSync(conf, `[server]\nsocket = ${dir}/none.sock\n[daemon]\nstate-dir = ${dir}/state\n`)
})
test.before.each(() => rmSync(own, { force: true }))
test.after(() => rmSync(dir, { recursive: true }))

/** Notes that it was started, and by what name; fails. */
function putNode(path: string, name: string, mode = 0o755) {
  writeFileSync(path, `#!/bin/sh\necho ${name} "\${1##*/}" >>${dir}/started\nexit 1\n`)
  chmodSync(path, mode)
}

/** What was started where the program is called with these words. */
function started(...words: string[]): string[] {
  writeFileSync(join(dir, 'started'), '')
  chmodSync(join(dir, 'started'), 0o666)
  rmSync(join(dir, 'none.sock.failed'), { force: true })
  spawnSync(program, ['--config', conf, ...words], {
    env: { PATH: `${bin}:/usr/bin:/bin`, XDG_RUNTIME_DIR: dir },
    // Nothing of root's is in its way.
    ...(process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}),
  })
  return readFileSync(join(dir, 'started'), 'utf8').trim().split('\n')
}

const calls: [string, string[], string][] = [
  ['a command', ['status'], 'main.cjs'],
  ['the daemon', ['daemon'], 'main.cjs'],
  ['its start', ['http://127.0.0.1:1/x-1-1-any.pkg.tar.zst', join(dir, 'x')], 'start.cjs'],
]

for (const [what, words, bundle] of calls) {
  test(`${what}: by the package's own Node, else by the system's`, () => {
    assert.equal(started(...words), [`system ${bundle}`])
    putNode(own, 'own')
    assert.equal(started(...words), [`own ${bundle}`])
    putNode(own, 'own', 0o644)
    assert.equal(started(...words), [`system ${bundle}`], 'it may not be run')
  })
}

test.run()
