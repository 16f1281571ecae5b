import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseConfig } from '../../src/base/config.ts'
import { runCheck } from '../../src/cli/check.ts'
import { printFindings } from '../../src/cli/check-finding.ts'
import { findingsOn, goodMachine, type Machine } from './check-machine.ts'

/** One thing broken: exactly one finding, with these words in it and a mend with those. */
async function oneFinding(breakIt: (machine: Machine) => void, problem: RegExp, mend: RegExp): Promise<void> {
  const machine = goodMachine()
  breakIt(machine)
  const findings = await findingsOn(machine)
  assert.is(findings.length, 1, JSON.stringify(findings, null, 1))
  assert.match(findings[0]!.problem, problem)
  assert.match(findings[0]!.mend, mend)
}

function setXferCommand(machine: Machine, value: string | undefined): void {
  const line = value === undefined ? '' : `XferCommand = ${value}`
  machine.pacmanConf = machine.pacmanConf!.replace(/^XferCommand.*$/m, line)
}

const broken: Record<string, [(machine: Machine) => void, RegExp, RegExp]> = {
  'pacman.conf has no XferCommand': [
    (m) => setXferCommand(m, undefined),
    /pacman\.conf sets no XferCommand/,
    /XferCommand = \/usr\/bin\/pacsrv-xfer %u %o/,
  ],
  'pacman fetches with something else': [
    (m) => setXferCommand(m, '/usr/bin/curl -fLo %o %u'),
    /is \/usr\/bin\/curl/,
    /\[options\] in \/etc\/pacman\.conf/,
  ],
  "the program's path is misspelt": [
    (m) => setXferCommand(m, '/usr/bin/pacsrv-xfr %u %o'),
    /names \/usr\/bin\/pacsrv-xfr, which isn't there/,
    /pacsrv-xfer %u/,
  ],
  'the program has no folder': [
    (m) => setXferCommand(m, 'pacsrv-xfer %u %o'),
    /names pacsrv-xfer, without its folder/,
    /\/usr\/bin\/pacsrv-xfer/,
  ],
  '%o is missing': [(m) => setXferCommand(m, '/usr/bin/pacsrv-xfer %u'), /lacks %u or %o/, /%u %o/],
  '%u is part of a word': [
    (m) => setXferCommand(m, '/usr/bin/pacsrv-xfer --url=%u %o'),
    /each a word of its own/,
    /%u %o/,
  ],
  "pacman's download user may not run the program": [
    (m) => {
      m.paths['/usr/bin/pacsrv-xfer'] = [0o100750, 0, 0]
    },
    /alpm may not run \/usr\/bin\/pacsrv-xfer/,
    /chmod 755/,
  ],
  'pacman.conf is broken': [
    (m) => {
      m.pacmanConf = undefined
      m.programs['pacman-conf'] = { status: 1, stdout: '', stderr: 'error: config file x: no such file\n' }
    },
    /can't read \/etc\/pacman\.conf: error: config file x: no such file\./,
    /correct/,
  ],
  'pacman-conf is not there': [
    (m) => {
      m.pacmanConf = undefined
    },
    /pacman-conf isn't there/,
    /set cache-dir and sync-dir/,
  ],
  'curl is missing': [(m) => delete m.programs.curl, /curl isn't there/, /pacman -S curl/],
  'bsdtar does not start': [
    (m) => {
      m.programs.bsdtar = { status: 127, stdout: '', stderr: 'libxml2.so.2: cannot open' }
    },
    /bsdtar doesn't start/,
    /pacman -S libarchive/,
  ],
  'the user is missing': [(m) => delete m.users.pacsrv, /no user pacsrv/, /systemd-sysusers/],
  'the user is root': [(m) => (m.config = '[daemon]\nuser = root'), /never runs as root/, /\[daemon\] user/],
  'the state folder is missing': [
    (m) => delete m.paths['/var/lib/pacsrv'],
    /\/var\/lib\/pacsrv \(\[daemon\] state-dir\) isn't there/,
    /systemd-tmpfiles --create/,
  ],
  'another spool folder is missing': [
    (m) => (m.config = '[daemon]\nspool-dir = /var/spool'),
    /\/var\/spool \(\[daemon\] spool-dir\) isn't there/,
    /install -d -o pacsrv/,
  ],
  "the spool folder is root's": [
    (m) => {
      m.paths['/var/cache/pacsrv'] = [0o40755, 0, 0]
    },
    /can't be written by the user pacsrv/,
    /chown -R pacsrv: \/var\/cache\/pacsrv/,
  ],
  'the spool has less than a gibibyte left': [
    (m) => {
      m.free['/var/cache/pacsrv'] = 1024 ** 3 - 1
    },
    /only 1024\.0 MiB left/,
    /paccache/,
  ],
  'the package cache is missing': [
    (m) => delete m.paths['/var/cache/pacman/pkg'],
    /package cache \/var\/cache\/pacman\/pkg\/ isn't there/,
    /mkdir/,
  ],
  'the package cache is closed': [
    (m) => {
      m.paths['/var/cache/pacman/pkg'] = [0o40700, 0, 0]
    },
    /can't be read by the user pacsrv: nothing is shared/,
    /chmod o\+rx/,
  ],
  'the way to the package cache is closed': [
    (m) => {
      m.paths['/var/cache/pacman'] = [0o40744, 0, 0]
    },
    /can't be read by the user pacsrv: nothing is shared/,
    /o\+x the folders that it lies in/,
  ],
  'a package was installed with umask 077': [
    (m) => {
      m.paths['/var/cache/pacman/pkg/a-1-1-any.pkg.tar.xz'] = [0o100600, 0, 0]
    },
    /^1 of 2 packages in/,
    /chmod a\+r \/var\/cache\/pacman\/pkg\/\*\.pkg\.tar\*/,
  ],
  'the package cache is hidden from whoever checks': [
    (m) => m.hidden.push('/var/cache/pacman/pkg'),
    /You may not look into/,
    /as root/,
  ],
  'one sync database is missing': [
    (m) => delete m.paths['/var/lib/pacman/sync/extra.db'],
    /no sync database of extra in/,
    /^pacman -Sy$/,
  ],
  'all sync databases are missing': [
    (m) => delete m.paths['/var/lib/pacman/sync'],
    /no sync database in \/var\/lib\/pacman\/sync/,
    /^pacman -Sy$/,
  ],
  'a sync database is for root only': [
    (m) => {
      m.paths['/var/lib/pacman/sync/core.db'] = [0o100600, 0, 0]
    },
    /can't be read by the user pacsrv/,
    /chmod a\+r/,
  ],
  'the daemon is not running': [
    (m) => {
      m.status = { failure: 'absent' }
    },
    /isn't running: nobody listens on \/run\/pacsrv\/pacsrv\.sock/,
    /systemctl enable --now pacsrv\.service/,
  ],
  'the daemon is not running, nor is systemd': [
    (m) => {
      m.status = { failure: 'absent' }
      delete m.paths['/run/systemd/system']
    },
    /isn't running/,
    /^pacsrv-xfer daemon$/,
  ],
  'the daemon hangs': [
    (m) => {
      m.status = { failure: 'silent' }
    },
    /doesn't answer/,
    /systemctl restart/,
  ],
  'the socket is closed to whoever checks': [
    (m) => {
      m.status = { failure: 'denied' }
    },
    /You may not ask/,
    /chmod 666/,
  ],
  'something else answers': [
    (m) => {
      m.status = { status: { hello: 'world' } }
    },
    /isn't pacsrv/,
    /\[client\] server/,
  ],
  "the socket is closed to pacman's download user": [
    (m) => {
      m.paths['/run/pacsrv/pacsrv.sock'] = [0o140660, 900, 900]
    },
    /alpm can't reach the socket/,
    /chmod 666/,
  ],
  "the socket's folder is closed to pacman's download user": [
    (m) => {
      m.paths['/run/pacsrv'] = [0o40750, 900, 900]
    },
    /alpm can't reach the socket/,
    /chmod 755 the folder/,
  ],
  'no neighbour': [
    (m) => {
      m.status = { status: { peers: [] } }
    },
    /No other node is connected/,
    /TCP port 8048/,
  ],
  'no neighbour, and no way to find one': [
    (m) => {
      m.status = { status: { peers: [] } }
      m.config = '[network]\nlan = no'
    },
    /No other node is connected/,
    /name a node under \[direct\]/,
  ],
  "another machine's daemon does not answer": [
    (m) => {
      m.config = '[client]\nserver = [2001:db8::1]:8049'
      m.status = { failure: 'absent' }
      m.paths = { ...m.paths, '/var/lib/pacsrv': [0o40700, 0, 0] }
      delete m.users.pacsrv
    },
    /No daemon answers at \[2001:db8::1\]:8049/,
    /listen and allow/,
  ],
}

for (const [name, [breakIt, problem, mend]] of Object.entries(broken)) {
  test(`found: ${name}`, () => oneFinding(breakIt, problem, mend))
}

const fine: Record<string, (machine: Machine) => void> = {
  'a machine in good order': () => {},
  'XferCommand with options and quotes': (m) =>
    setXferCommand(m, '"/usr/bin/pacsrv-xfer" --config /etc/other.conf %u %o'),
  'pacsrv as a CacheServer instead': (m) => {
    setXferCommand(m, undefined)
    m.pacmanConf += '\nCacheServer = http://127.0.0.1:8049/extra'
  },
  'pacman before 7, which fetches as root': (m) => {
    m.pacmanConf = m.pacmanConf!.replace(/^DownloadUser.*\n/m, '')
    m.paths['/run/pacsrv/pacsrv.sock'] = [0o140600, 900, 900]
  },
  'a machine without pacman whose folders are named': (m) => {
    m.pacmanConf = undefined
    m.config = '[daemon]\ncache-dir = /var/cache/pacman/pkg\nsync-dir = /var/lib/pacman/sync'
  },
  'a missing spool folder that the daemon can make': (m) => {
    m.config = '[daemon]\nspool-dir = /var/cache/pacsrv/spool'
  },
  "another machine's daemon, and no node here": (m) => {
    m.config = '[client]\nserver = office.example.org:8049'
    m.status = { status: { peers: [] } }
    delete m.users.pacsrv
    delete m.paths['/var/lib/pacsrv']
  },
  'packages that the user reads through a group': (m) => {
    m.users.pacsrv = 'uid=900(pacsrv) gid=900(pacsrv) groups=900(pacsrv),77(packages)'
    m.paths['/var/cache/pacman/pkg'] = [0o40750, 0, 77]
  },
}

for (const [name, change] of Object.entries(fine)) {
  test(`nothing wrong with: ${name}`, async () => {
    const machine = goodMachine()
    change(machine)
    assert.equal(await findingsOn(machine), [])
  })
}

test('several faults are all told', async () => {
  const machine = goodMachine()
  setXferCommand(machine, undefined)
  machine.status = { failure: 'absent' }
  delete machine.programs.curl
  assert.is((await findingsOn(machine)).length, 3)
})

test('a finding is a line, its mend an indented one', () => {
  const lines: string[] = []
  printFindings([{ problem: 'It is broken.', mend: 'mend it' }], (line) => lines.push(line))
  assert.equal(lines, ['It is broken.', '    mend: mend it'])
})

test('all is well in one line that tells what was looked at', () => {
  const lines: string[] = []
  printFindings([], (line) => lines.push(line))
  assert.is(lines.length, 1)
  assert.match(lines[0]!, /^All is well\. Looked at: .*pacman\.conf.*neighbours\.$/)
})

test('a configuration error is a finding that names file, line and key, and the exit status is 1', async () => {
  const lines: string[] = []
  const status = await runCheck(
    () => parseConfig('[network]\nttl = many', '/etc/pacsrv.conf'),
    (line) => lines.push(line),
  )
  assert.is(status, 1)
  assert.match(lines[0]!, /^\/etc\/pacsrv\.conf, line 2: ttl must be/)
  assert.match(lines[1]!, /^ {4}mend: /)
})

test.run()
