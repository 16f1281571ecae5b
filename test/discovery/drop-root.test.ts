import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

const module = join(import.meta.dirname, '../../src/discovery/drop-root.ts')

/** In a process of its own, since there is no way back. */
function run(identity: object): string {
  const script = `
    import { readFileSync } from 'node:fs'
    import { dropRoot } from ${JSON.stringify(module)}
    try {
      dropRoot(${JSON.stringify(identity)})
      let back = 'stays'
      try { process.setuid(0); back = 'is root again' } catch {}
      const groups = /^Groups:\\s*(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'))[1].trim()
      console.log(process.getuid(), process.geteuid(), process.getgid(), process.getegid(), groups, back)
    } catch (problem) { console.log(problem.code) }`
  return execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    encoding: 'utf8',
  }).trim()
}

const NAMES = ['root becomes the user and its group, for good', 'root must not stay root'] as const
if (process.getuid?.() === 0) {
  test(NAMES[0], () => assert.is(run({ uid: 65534, gid: 65533 }), '65534 65534 65533 65533 65533 stays'))
  test(NAMES[1], () => {
    assert.is(run({ uid: 0, gid: 65534 }), 'usage')
    assert.is(run({ uid: 65534, gid: 0 }), 'usage')
  })
} else {
  for (const name of NAMES) {
    console.log(`skipped: ${name}: only root can show it`)
    test.skip(name)
  }
}

test.run()
