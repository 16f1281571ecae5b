/** What a user of pacman is told where pacsrv isn't used: by a shell that is called pacman. */
import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { installFront } from './front-program.ts'

const isRoot = process.getuid?.() === 0
const dir = mkdtempSync(join(tmpdir(), 'pacsrv-told-'))
const conf = join(dir, 'pacsrv.conf')
let program: string

test.before(() => {
  program = installFront(dir)
  for (const name of ['pacman', 'other']) {
    copyFileSync('/bin/sh', join(dir, name))
    chmodSync(join(dir, name), 0o755)
  }
  chmodSync(dir, 0o777)
  writeFileSync(conf, `[server]\nsocket = ${dir}/none.sock\n[client]\nstart = no\n`)
})
test.after(() => rmSync(dir, { recursive: true, force: true }))

/** Three packages that can't be had, asked for one after another by a shell of this name. */
function askedFor(parent: string, runtime = dir, config = conf): string[] {
  const each = [1, 2, 3].map(
    (n) => `"$0" --config "$1" http://127.0.0.1:1/p${n}-1-1-any.pkg.tar.zst "$2/p${n}"`,
  )
  const { stderr } = spawnSync(join(dir, parent), ['-c', each.join('; '), program, config, dir], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, XDG_RUNTIME_DIR: runtime },
    ...(isRoot ? { uid: 65_534, gid: 65_534 } : {}),
  })
  return stderr.split('\n').filter((line) => line.includes('not used now'))
}

const LINE = 'pacsrv-xfer: not used now, the mirror serves: no daemon runs; see pacsrv-xfer check'

test('where no daemon runs pacman says so once a transaction, not once a file', () => {
  assert.equal(askedFor('pacman'), [LINE])
  assert.equal(askedFor('pacman'), [LINE], 'the next transaction is another')
})

test("where another machine's daemon is to serve and doesn't answer, that is said", () => {
  const config = join(dir, 'remote.conf')
  writeFileSync(config, '[client]\nserver = 127.0.0.1:1\n')
  assert.equal(askedFor('pacman', dir, config), [
    LINE.replace('no daemon runs', "the machine of [client] server doesn't answer"),
  ])
})

test("who isn't pacman is told nothing", () => {
  assert.equal(askedFor('other'), [])
})

test("where it can't be remembered nothing is said, and no link is followed", () => {
  assert.equal(askedFor('pacman', join(dir, 'nowhere')), [])
  rmSync(join(dir, 'pacsrv-xfer.told'), { force: true })
  symlinkSync(join(dir, 'victim'), join(dir, 'pacsrv-xfer.told'))
  askedFor('pacman')
  assert.not(existsSync(join(dir, 'victim')))
})

test.run()
