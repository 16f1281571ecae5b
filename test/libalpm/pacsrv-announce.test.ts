import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

const root = fileURLToPath(new URL('../..', import.meta.url))
const hook = readFileSync(join(root, 'hooks/90-pacsrv-announce.hook'), 'utf8')
const script = readFileSync(join(root, 'libalpm/pacsrv-announce'), 'utf8')

let folder: string
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'pacsrv-hook-'))
})
test.after.each(() => rmSync(folder, { recursive: true }))

/** Runs the hook's script as pacman does, with `program` for pacsrv-xfer; returns at EOF on its outputs. */
function runHook(program: string) {
  const file = join(folder, 'pacsrv-announce')
  writeFileSync(file, script.replace('/usr/bin/pacsrv-xfer', program), { mode: 0o755 })
  return spawnSync(file, { cwd: '/', encoding: 'utf8', timeout: 10_000 })
}

test('the hook runs a script that is there and may be run', () => {
  const exec = /^Exec = \/usr\/share\/libalpm\/scripts\/(\S+)$/m.exec(hook)
  assert.is(exec?.[1], 'pacsrv-announce')
  assert.ok(statSync(join(root, 'libalpm', exec![1]!)).mode & 0o100)
})

test('pacman is not kept waiting by an announcement that takes its time', () => {
  const gate = join(folder, 'gate')
  const done = join(folder, 'done')
  execFileSync('mkfifo', [gate])
  const program = join(folder, 'slow')
  writeFileSync(program, `#!/bin/sh\necho noise; echo noise >&2\necho "$1" >${done}; read line <${gate}\n`, {
    mode: 0o755,
  })
  const { status, stdout, stderr } = runHook(program)
  assert.equal([status, stdout, stderr], [0, '', ''])
  // The announcement is still there: writing to its gate would block if nobody read.
  execFileSync('timeout', ['10', 'sh', '-c', `echo go >${gate}`])
  assert.ok(existsSync(done))
  assert.is(readFileSync(done, 'utf8'), 'announce\n')
})

test('without pacsrv-xfer the hook is silent and succeeds', () => {
  const { status, stdout, stderr } = runHook(join(folder, 'absent'))
  assert.equal([status, stdout, stderr], [0, '', ''])
})

test('an announcement that fails does not fail the hook', () => {
  const { status, stdout, stderr } = runHook('/bin/false')
  assert.equal([status, stdout, stderr], [0, '', ''])
})

test.run()
