import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parseConfig } from '../../../src/base/config.ts'
import { runCheck } from '../../../src/cli/check/check.ts'
import { printFindings } from '../../../src/cli/check/check-finding.ts'
import { isExempt } from '../../../src/cli/check/check-proxy.ts'
import { findingsOn, goodMachine, type Machine, succeeded } from './check-machine.ts'

/** One thing broken: exactly one finding, with these words in it and a fix with those. */
async function oneFinding(breakIt: (machine: Machine) => void, problem: RegExp, fix: RegExp): Promise<void> {
  const machine = goodMachine()
  breakIt(machine)
  const findings = await findingsOn(machine)
  assert.is(findings.length, 1, JSON.stringify(findings, null, 1))
  assert.match(findings[0]!.problem, problem)
  assert.match(findings[0]!.fix, fix)
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
  "the daemon's user may not read a mirror list": [
    (m) => {
      const stderr = 'error: config file /etc/pacman.d/mirrorlist could not be read: Permission denied\n'
      m.programsOfDaemon = { 'pacman-conf': { status: 1, stdout: '', stderr } }
    },
    /^The user pacsrv can't read pacman's configuration, so peers aren't used: error: .*mirrorlist.*denied\.$/,
    /chmod a\+r \/etc\/pacman\.conf/,
  ],
  'a proxy is asked for the daemon': [
    (m) => {
      setXferCommand(m, undefined)
      m.pacmanConf += '\nCacheServer = http://127.0.0.1:8049/$repo/os/$arch'
      m.environment = { http_proxy: 'http://proxy:3128', no_proxy: 'localhost,.example.org' }
    },
    /^pacman asks the proxy in http_proxy for 127\.0\.0\.1 too/,
    /no_proxy=127\.0\.0\.1/,
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
  'the user is missing, and so is systemd-sysusers': [
    (m) => {
      delete m.users.pacsrv
      delete m.programs['systemd-sysusers']
    },
    /no user pacsrv/,
    /^useradd --system --home-dir \/var\/lib\/pacsrv .* pacsrv$/,
  ],
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
    /isn't running: nobody listens on \/run\/pacsrv\/pacsrv\.sock\. pacman fetches as alpm .*can't start it\.$/,
    /systemctl enable --now pacsrv\.socket pacsrv\.service/,
  ],
  'the daemon is not running, nor is systemd': [
    (m) => {
      m.status = { failure: 'absent' }
      delete m.paths['/run/systemd/system']
    },
    /isn't running/,
    /^pacsrv-xfer daemon \(.*as root/,
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
  'the daemon that runs is root': [
    (m) => {
      m.process = { ...m.process!, uid: 0, noNewPrivileges: false }
    },
    /is root: whoever takes it over has this machine/,
    /becomes pacsrv.*systemctl restart pacsrv/,
  ],
  'the daemon that runs may gain privileges': [
    (m) => {
      m.process = { ...m.process!, noNewPrivileges: false }
    },
    /may gain privileges/,
    /systemctl restart pacsrv/,
  ],
  'the daemon that runs has the proxies of a user': [
    (m) => {
      m.process = { ...m.process!, environment: ['PATH', 'https_proxy', 'ALL_PROXY', 'LANG'] }
    },
    /has https_proxy, ALL_PROXY in its environment/,
    /systemctl cat pacsrv\.service/,
  ],
  "the socket's folder can be written by everybody": [
    (m) => {
      m.paths['/run/pacsrv'] = [0o40777, 900, 900]
    },
    /^\/run\/pacsrv, on the way to the socket .* can be written by others/,
    /^chmod go-w \/run\/pacsrv$/,
  ],
  'the folder above it can be written by a group': [
    (m) => {
      m.paths['/run'] = [0o40775, 0, 100]
    },
    /^\/run, on the way to the socket/,
    /^chmod go-w \/run$/,
  ],
  "the socket's folder is somebody else's": [
    (m) => {
      m.paths['/run/pacsrv'] = [0o40755, 1000, 1000]
    },
    /belongs to neither root nor pacsrv/,
    /chown root: \/run\/pacsrv/,
  ],
  'no neighbour': [
    (m) => {
      m.status = { status: { peers: [] } }
    },
    /No other node is connected/,
    /let 8048\/tcp and 5353\/udp in through the firewall/,
  ],
  'no neighbour, and no way to find one': [
    (m) => {
      m.status = { status: { peers: [] } }
      m.config = '[network]\nlan = no'
    },
    /No other node is connected/,
    /name a node under \[direct\]/,
  ],
  'no neighbour, and a named node': [
    (m) => {
      m.status = { status: { peers: [] } }
      m.config = '[direct]\nserver = office.example.org:8048\nserver = [2001:db8::1]:9000'
    },
    /No other node is connected/,
    /^see that pacsrv runs at office\.example\.org:8048, \[2001:db8::1\]:9000, and that its port is open/,
  ],
  'no neighbour in a closed network': [
    (m) => {
      m.status = { status: { peers: [] } }
      m.config = '[network]\nkey-file = /var/lib/pacsrv/key'
      m.paths['/var/lib/pacsrv/key'] = [0o100600, 900, 900]
    },
    /No other node is connected/,
    /same key as \/var\/lib\/pacsrv\/key/,
  ],
  'no neighbour behind ufw': [
    (m) => {
      m.status = { status: { peers: [] } }
      m.programs['systemctl is-active'] = {
        status: 3,
        stdout: 'active\ninactive\nactive\ninactive',
        stderr: '',
      }
    },
    /No other node is connected/,
    /ufw allow 8048\/tcp && ufw allow 5353\/udp/,
  ],
  'no neighbour and no network': [
    (m) => {
      m.status = { status: { peers: [] } }
      m.interfaces = []
    },
    /No other node is connected/,
    /^bring up the network/,
  ],
  'what the daemon itself says is wrong': [
    (m) => {
      const problem = { code: 'webhost', problem: 'The webhost is no help.', fix: 'start it', since: '2026' }
      m.status = { status: { node: { version: '1.2.3' }, peers: [{ id: 'a' }], problems: [problem] } }
    },
    /^The webhost is no help\.$/,
    /^start it$/,
  ],
  'what both the daemon and check see': [
    (m) => {
      m.paths['/var/cache/pacman/pkg'] = [0o40700, 0, 0]
      const problem = { code: 'cache', problem: 'The cache is closed.', fix: 'open it', since: '2026' }
      m.status = { status: { node: { version: '1.2.3' }, peers: [{ id: 'a' }], problems: [problem] } }
    },
    /^The package cache .* can't be read by the user pacsrv/,
    /chmod o\+rx/,
  ],
  'pacserve is wanted where nothing is looked for': [
    (m) => (m.config = '[network]\nlan = no\npacserve = yes'),
    /pacserve = yes finds nobody by lan = no/,
    /^set lan to yes/,
  ],
  'neighbours that could be of the office, behind a router': [
    (m) => {
      const peers = [
        { address: '10.2.0.7:8048', companion: false },
        { address: '192.168.9.7:8048', companion: false },
        { address: '10.1.0.8:8048', companion: true },
        { address: '198.51.100.7:8048', companion: false },
      ]
      m.status = { status: { node: { version: '1.2.3', reachable: 'yes' }, peers } }
    },
    /^10\.2\.0\.7:8048 and 1 more are behind a router and so not taken for this office: .*\.$/,
    /one key-file under \[network\], or .*under \[direct\], in \/etc\/pacsrv\.conf$/,
  ],
  'nobody can dial in': [
    (m) => {
      m.status = { status: { node: { version: '1.2.3', reachable: 'no' }, peers: [{ id: 'a' }] } }
      m.config = '[network]\nlisten = [::]:9048'
    },
    /^Other nodes can't reach TCP port 9048 here/,
    /let 9048\/tcp in through the firewall.*set advertise in/,
  ],
  'nobody can dial in through firewalld': [
    (m) => {
      m.status = { status: { node: { version: '1.2.3', reachable: 'no' }, peers: [{ id: 'a' }] } }
      m.programs['systemctl is-active'] = {
        status: 3,
        stdout: 'inactive\nactive\ninactive\ninactive',
        stderr: '',
      }
    },
    /can't reach TCP port 8048/,
    /^firewall-cmd --permanent --add-port=8048\/tcp && firewall-cmd --reload;/,
  ],
  'the daemon is older than the program': [
    (m) => {
      m.status = { status: { node: { version: '1.2.2', reachable: 'yes' }, peers: [{ id: 'a' }] } }
    },
    /daemon that runs is of version 1\.2\.2, the program of 1\.2\.3/,
    /^systemctl restart pacsrv\.service$/,
  ],
  'the clock is ahead': [
    (m) => {
      m.now += 301_000
    },
    /^The clock is 5 minutes ahead of that of mirror\.example\.org/,
    /timedatectl set-ntp true/,
  ],
  'the clock is days behind': [
    (m) => {
      m.now -= 3 * 86_400_000
    },
    /^The clock is 3 days behind/,
    /timedatectl/,
  ],
  'the download user is missing': [
    (m) => delete m.users.alpm,
    /download user alpm \(DownloadUser in \/etc\/pacman\.conf\) isn't there/,
    /^systemd-sysusers$/,
  ],
  'CacheServer is set and the TCP port is off': [
    (m) => {
      m.pacmanConf += '\nCacheServer = http://127.0.0.1:8049/extra/os/x86_64'
      m.config = '[server]\nlisten = none'
    },
    /CacheServer in \/etc\/pacman\.conf is http:\/\/127\.0\.0\.1:8049, but \[server\] listen is none/,
    /^set \[server\] listen = 127\.0\.0\.1:8049 in/,
  ],
  'CacheServer is set and the TCP port is another': [
    (m) => {
      setXferCommand(m, undefined)
      m.pacmanConf += '\nCacheServer = http://localhost:8049/extra/os/x86_64'
      m.config = '[server]\nlisten = 127.0.0.1:9049'
    },
    /but the node listens at 127\.0\.0\.1:9049/,
    /^write http:\/\/127\.0\.0\.1:9049\/\$repo\/os\/\$arch there/,
  ],
  'the key is missing': [
    (m) => (m.config = '[network]\nkey-file = /var/key'),
    /\/var\/key \(\[network\] key-file\), isn't there/,
    /copy it from another machine/,
  ],
  "the key is root's alone": [
    (m) => {
      m.config = '[network]\nkey-file = /var/key'
      m.paths['/var/key'] = [0o100600, 0, 0]
    },
    /can't be read by the user pacsrv/,
    /^chgrp pacsrv \/var\/key && chmod 640 \/var\/key$/,
  ],
  'the key is for everybody': [
    (m) => {
      m.config = '[network]\nkey-file = /var/lib/pacsrv/key\nkey-file = /var/key'
      m.paths['/var/lib/pacsrv/key'] = [0o100600, 900, 900]
      m.paths['/var/key'] = [0o100644, 900, 900]
    },
    /^The key of the closed network, \/var\/key .* is open to everybody/,
    /^chmod o= \/var\/key$/,
  ],
  'the key is open to another group': [
    (m) => {
      m.config = '[network]\nkey-file = /var/key'
      m.paths['/var/key'] = [0o100640, 900, 100]
    },
    /open to a group that isn't pacsrv's/,
    /^chgrp pacsrv \/var\/key && chmod 640 \/var\/key$/,
  ],
  'the key is no key': [
    (m) => {
      m.config = '[network]\nkey-file = /var/key'
      m.paths['/var/key'] = [0o100640, 0, 900]
      m.keyFault = '[network] key-file /var/key must hold 64 hex digits on one line'
    },
    /key-file \/var\/key must hold 64 hex digits on one line\.$/,
    /copy it from another machine/,
  ],
  'no neighbour by the DHT': [
    (m) => {
      m.status = { status: { peers: [] } }
      m.config = '[network]\nlan = no\ndht = yes'
    },
    /No other node is connected/,
    /let 8048\/tcp and 8048\/udp in/,
  ],
  'the unit does not let the daemon write where the spool was moved': [
    (m) => {
      m.config = '[daemon]\nspool-dir = /var/spool'
      m.paths['/var/spool'] = [0o40755, 900, 900]
      m.programs['systemctl show'] = succeeded('LoadState=loaded\nReadWritePaths=/var/spool2 -/srv')
    },
    /systemd keeps the daemon from writing to \/var\/spool \(\[daemon\] spool-dir\)/,
    /ReadWritePaths=\/var\/spool$/,
  ],
  'an ACL that opens some packages and not all': [
    (m) => {
      const folder = '/var/cache/pacman/pkg'
      m.paths[`${folder}/a-1-1-any.pkg.tar.xz`] = [0o100600, 0, 0]
      m.paths[`${folder}/b-1-1-any.pkg.tar.xz`] = [0o100600, 0, 0]
      m.allowedByAcl = [`${folder}/b-1-1-any.pkg.tar.xz`]
    },
    /^1 of 3 packages in/,
    /chmod a\+r/,
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

for (const [name, [breakIt, problem, fix]] of Object.entries(broken)) {
  test(`found: ${name}`, () => oneFinding(breakIt, problem, fix))
}

const fine: Record<string, (machine: Machine) => void> = {
  'a proxy with no_proxy, and one beside XferCommand alone': (m) => {
    m.environment = { http_proxy: 'http://proxy:3128', no_proxy: '127.0.0.1' }
    m.pacmanConf += '\nCacheServer = http://127.0.0.1:8049/$repo/os/$arch'
  },
  'a proxy beside XferCommand alone': (m) => {
    m.environment = { http_proxy: 'http://proxy:3128' }
  },
  "whoever checks can't become the daemon's user": (m) => {
    m.programsOfDaemon = undefined
  },
  'a machine in good order': () => {},
  'XferCommand with options and quotes': (m) =>
    setXferCommand(m, '"/usr/bin/pacsrv-xfer" --config /etc/other.conf %u %o'),
  'pacsrv as a CacheServer instead': (m) => {
    setXferCommand(m, undefined)
    m.pacmanConf += '\nCacheServer = http://127.0.0.1:8049/extra'
  },
  'a daemon whose process is out of sight': (m) => {
    m.process = undefined
  },
  'a socket below a folder like /tmp': (m) => {
    m.paths['/run'] = [0o41777, 0, 0]
  },
  "a user's own daemon, started from that user's environment": (m) => {
    m.config = '[server]\nsocket = /run/user/pacsrv.sock'
    m.paths['/run/user'] = [0o40700, 900, 900]
    m.paths['/run/user/pacsrv.sock'] = [0o140666, 900, 900]
    m.process = { ...m.process!, environment: ['http_proxy'] }
    m.pacmanConf = m.pacmanConf!.replace(/^DownloadUser.*\n/m, '')
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
  'a package cache that an ACL opens to the daemon': (m) => {
    m.paths['/var/cache/pacman/pkg'] = [0o40750, 0, 0]
    m.allowedByAcl = ['/var/cache/pacman/pkg/', '/var/cache/pacman/pkg']
  },
  'a spool elsewhere, with systemd told': (m) => {
    m.config = '[daemon]\nspool-dir = /var/spool/pacsrv'
    m.paths['/var/spool'] = [0o40755, 0, 0]
    m.paths['/var/spool/pacsrv'] = [0o40755, 900, 900]
    m.programs['systemctl show'] = succeeded('LoadState=loaded\nReadWritePaths=/srv /var/spool/')
  },
  'a spool elsewhere, with no unit': (m) => {
    m.config = '[daemon]\nspool-dir = /var/spool'
    m.paths['/var/spool'] = [0o40755, 900, 900]
    m.programs['systemctl show'] = succeeded('LoadState=not-found\nReadWritePaths=')
  },
  'a clock that is off by five minutes': (m) => {
    m.now -= 300_000
  },
  'mirrors that do not answer': (m) => {
    m.date = undefined
  },
  "somebody else's CacheServer on this machine": (m) => {
    m.pacmanConf += '\nCacheServer = http://localhost:9129/repo/archlinux'
    m.config = '[server]\nlisten = none'
  },
  'a key that its group reads': (m) => {
    m.config = '[network]\nkey-file = /var/key'
    m.paths['/var/key'] = [0o100640, 0, 900]
  },
  'a node that was not dialled yet': (m) => {
    m.status = { status: { node: { version: '1.2.3', reachable: 'unknown' }, peers: [{ id: 'a' }] } }
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

test('where no daemon runs, a port that another program has is told', async () => {
  const machine = goodMachine()
  machine.taken = [8048]
  assert.equal(await findingsOn(machine), [], 'it is the daemon that has it')
  machine.status = { failure: 'absent' }
  const findings = await findingsOn(machine)
  assert.is(findings.length, 2)
  assert.match(findings[1]!.problem, /port 8048 \(\[network\] listen\)/)
})

test("what a proxy isn't asked for", () => {
  for (const [host, noProxy, exempt] of [
    ['127.0.0.1', '127.0.0.1', true],
    ['127.0.0.1', 'localhost, 127.0.0.1', true],
    ['127.0.0.1', '127.0.0.0/8', true],
    ['127.0.0.1', '*', true],
    ['127.0.0.1', 'localhost', false],
    ['127.0.0.1', '', false],
    ['localhost', '.localhost', true],
    ['cache.lan', 'lan', true],
    ['cachelan', 'lan', false],
    ['[::1]', '::1', true],
  ] as const) {
    assert.is(isExempt(host, noProxy), exempt, `${host} ${noProxy}`)
  }
})

test('several faults are all told', async () => {
  const machine = goodMachine()
  setXferCommand(machine, undefined)
  machine.status = { failure: 'absent' }
  delete machine.programs.curl
  assert.is((await findingsOn(machine)).length, 3)
})

test('where the daemon knows why nobody is connected, check does not guess', async () => {
  const machine = goodMachine()
  machine.config = '[network]\nkey-file = /var/lib/pacsrv/key\n[direct]\nserver = office:8048'
  machine.paths['/var/lib/pacsrv/key'] = [0o100600, 900, 900]
  const problem = { code: 'key', problem: '10.0.0.2 has another key.', fix: 'copy the key', since: '2026' }
  machine.status = { status: { node: { version: '1.2.3' }, peers: [], problems: [problem] } }
  assert.equal(await findingsOn(machine), [
    { code: 'key', problem: '10.0.0.2 has another key.', fix: 'copy the key' },
    {
      problem: 'No other node is connected: everything comes from the mirror.',
      fix: 'solve the problems above first',
    },
  ])
})

test('a finding is a line, its fix an indented one', () => {
  const lines: string[] = []
  printFindings([{ problem: 'It is broken.', fix: 'fix it' }], (line) => lines.push(line))
  assert.equal(lines, ['It is broken.', '    fix: fix it'])
})

test('all is well in one line that tells what was looked at', () => {
  const lines: string[] = []
  printFindings([], (line) => lines.push(line))
  assert.is(lines.length, 1)
  assert.match(lines[0]!, /^All is well\. Looked at: .*pacman\.conf.*neighbours\.$/)
})

test('a configuration error is a finding that names file, line and key, and the exit status is 1', async () => {
  const lines: string[] = []
  const status = await runCheck(() => parseConfig('[network]\nttl = many', '/etc/pacsrv.conf'), {
    version: '1.2.3',
    print: (line) => lines.push(line),
    hint() {},
  })
  assert.is(status, 1)
  assert.match(lines[0]!, /^\/etc\/pacsrv\.conf, line 2: ttl must be/)
  assert.match(lines[1]!, /^ {4}fix: /)
})

test.run()
