/** What the front takes from a daemon before it runs: root, root's environment, and any way back. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { installFront } from './front-program.ts'

const NOBODY = 65_534
/** Says who the daemon's user is; as the daemon it tells what it is and has. */
const NODE = `#!/bin/sh
case "$*" in
*user-of*) echo ${NOBODY} ${NOBODY} ;;
*) cat /proc/self/status; env ;;
esac
`

const test = suite('lowered')
const dir = mkdtempSync(join(tmpdir(), 'pacsrv-lowered-'))
const bin = join(dir, 'bin')
const isRoot = process.getuid?.() === 0
let program: string

test.before(() => {
  chmodSync(dir, 0o755)
  for (const folder of [bin, join(dir, 'lib')]) mkdirSync(folder)
  writeFileSync(join(bin, 'node'), NODE)
  chmodSync(join(bin, 'node'), 0o755)
  program = installFront(join(dir, 'lib'))
  writeFileSync(join(dir, 'pacsrv.conf'), '')
})
test.after(() => rmSync(dir, { recursive: true, force: true }))

/** `uid`: who runs the front. */
async function told(command: string, uid: number): Promise<string> {
  const { stdout } = await execa(program, ['--config', join(dir, 'pacsrv.conf'), command], {
    uid,
    gid: uid,
    extendEnv: false,
    env: {
      PATH: `${bin}:/usr/bin:/bin`,
      http_proxy: 'http://me:secret@proxy',
      SUDO_USER: 'me',
      HOME: '/root',
      LD_LIBRARY_PATH: dir,
      LANG: 'C',
    },
  })
  return stdout
}

for (const command of ['daemon', 'webhost']) {
  test(`root's ${command} is the other user's, without capabilities, and gains none`, async () => {
    if (!isRoot) return
    const said = await told(command, 0)
    assert.match(said, new RegExp(`^Uid:\\t${NOBODY}\\t${NOBODY}\\t${NOBODY}\\t${NOBODY}$`, 'm'))
    assert.match(said, new RegExp(`^Gid:\\t${NOBODY}\\t${NOBODY}\\t${NOBODY}\\t${NOBODY}$`, 'm'))
    for (const set of ['Eff', 'Prm', 'Inh', 'Amb']) assert.match(said, new RegExp(`^Cap${set}:\\t0+$`, 'm'))
    assert.match(said, /^NoNewPrivs:\t1$/m)
  })

  test(`root's ${command} has nothing of root's environment but what it is for`, async () => {
    if (!isRoot) return
    const said = await told(command, 0)
    assert.not.match(said, /^(?:http_proxy|SUDO_USER|HOME|LD_LIBRARY_PATH)=/m)
    assert.match(said, /^LANG=C$/m)
  })

  test(`a user's own ${command} gains no privileges either`, async () => {
    assert.match(await told(command, isRoot ? NOBODY : process.getuid!()), /^NoNewPrivs:\t1$/m)
  })
}

test('what faces no network is left as it is', async () => {
  assert.match(await told('status', isRoot ? NOBODY : process.getuid!()), /^NoNewPrivs:\t0$/m)
})

test.run()
