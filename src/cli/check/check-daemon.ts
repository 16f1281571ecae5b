import { type Config, DEFAULT_CONFIG_FILE, systemPaths } from '../../base/config.ts'
import { hostPort } from '../../base/endpoint.ts'
import type { Status } from '../../http/status.ts'
import { reaches, Want, type Who } from './check-access.ts'
import type { Finding } from './check-finding.ts'
import { checkProcess, checkSocketFolder } from './check-guards.ts'
import { checkNeighbours } from './check-neighbours.ts'
import { daemonOf, type Probe, placeOf } from './check-probe.ts'

/**
 * Whether the daemon answers, whether pacman's download user can reach it, what weakens it, and whom it is connected to;
 * `who`: whom it runs as.
 */
export async function checkDaemon(
  config: Config,
  probe: Probe,
  { version, user, who }: { version: string; user: Who | undefined; who: Who | undefined },
): Promise<Finding[]> {
  const local = typeof daemonOf(config) === 'string'
  const answer = await probe.status()
  if ('status' in answer) {
    const status = answer.status as Partial<Status> | null
    if (!Array.isArray(status?.peers)) return [foreign(config)]
    if (!local) return []
    const problems = problemsOf(status)
    return [
      ...(await checkVersion(config, probe, { version, running: status.node?.version })),
      ...(await checkSocket(config, probe, user)),
      ...problems,
      ...(who && who.uid !== 0 ? await checkGuards(config, probe, who, status.node?.pid) : []),
      ...(await checkNeighbours(config, probe, { ...status, problems })),
    ]
  }
  const place = placeOf(config)
  const { start, restart } = await commands(config, probe)
  switch (answer.failure) {
    case 'absent':
      if (!local) return [{ problem: `No daemon answers at ${place}.`, fix: remoteFix }]
      return [
        {
          problem: `The daemon isn't running: nobody listens on ${place}.${cantStart(config, user)}`,
          fix: start,
        },
        ...(await takenPorts(config, probe)),
      ]
    case 'silent':
      return [{ problem: `The daemon at ${place} doesn't answer.`, fix: restart }]
    case 'denied':
      return [
        {
          problem: `You may not ask the daemon at ${place}.`,
          fix: local ? `chmod 666 ${place}` : remoteFix,
        },
      ]
    case 'foreign':
      return [foreign(config)]
  }
}

/** Only root and the daemon's user start it; pacman 7 usually fetches as neither. */
function cantStart({ daemon }: Config, user: Who | undefined): string {
  if (!user || user.uid === 0 || user.name === daemon.user) return ''
  return ` pacman fetches as ${user.name} (DownloadUser), who can't start it.`
}

/** What the daemon knows to be wrong. One of an older version says nothing of it. */
function problemsOf({ problems }: Partial<Status>): Finding[] {
  if (!Array.isArray(problems)) return []
  return problems.filter(isProblem).map(({ code, problem, fix }) => ({ code, problem, fix }))
}

const isProblem = (one: Partial<Finding> | null) =>
  typeof one?.problem === 'string' && typeof one.fix === 'string'

async function checkGuards(config: Config, probe: Probe, who: Who, pid: unknown): Promise<Finding[]> {
  const { restart } = await commands(config, probe)
  return [
    ...(await checkProcess(config, probe, { pid, who, restart })),
    ...(await checkSocketFolder(config.server.socket, probe, who)),
  ]
}

/** A port that somebody else has keeps the daemon from starting. */
async function takenPorts({ file, network, server }: Config, probe: Probe): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const [section, listen] of [
    ['network', network.listen],
    ['server', server.listen],
  ] as const) {
    if (listen === undefined || !(await probe.isTaken(hostPort(listen)))) continue
    const { port } = hostPort(listen)
    const problem = `Another program has port ${port} ([${section}] listen), so the daemon can't start.`
    findings.push({ problem, fix: `end it (ss -ltnp shows which it is), or set another port in ${file}` })
  }
  return findings
}

const remoteFix = 'see that it runs there, and that its [server] listen and allow let this machine in'

function foreign(config: Config): Finding {
  const fix = `correct [client] server in ${config.file}`
  return { problem: `What answers at ${placeOf(config)} isn't pacsrv.`, fix }
}

/** pacman 7 fetches as a user of its own, which must come through to the socket. */
async function checkSocket(config: Config, probe: Probe, user: Who | undefined): Promise<Finding[]> {
  const path = daemonOf(config)
  if (typeof path !== 'string' || !user) return []
  const { steps } = await probe.walk(path)
  if (reaches(steps, user, Want.read | Want.write)) return []
  const problem = `pacman's download user ${user.name} can't reach the socket ${path}.`
  return [{ problem, fix: `chmod 666 ${path}, and chmod 755 the folder that it lies in` }]
}

/** Without systemd nobody restarts it after an upgrade. */
async function checkVersion(
  config: Config,
  probe: Probe,
  { version, running }: { version: string; running: string | undefined },
): Promise<Finding[]> {
  if (running === undefined || running === version) return []
  const { restart } = await commands(config, probe)
  return [
    { problem: `The daemon that runs is of version ${running}, the program of ${version}.`, fix: restart },
  ]
}

/** How this machine starts and restarts the daemon. */
async function commands(config: Config, probe: Probe): Promise<{ start: string; restart: string }> {
  const installed = config.server.socket === systemPaths.socket
  const systemd = installed && (await probe.walk('/run/systemd/system')).end === 'there'
  if (systemd) {
    return {
      start: 'systemctl enable --now pacsrv.socket pacsrv.service; if it ends, see journalctl -u pacsrv',
      restart: 'systemctl restart pacsrv.service',
    }
  }
  const options = config.file === DEFAULT_CONFIG_FILE ? '' : `--config ${config.file} `
  const start = `pacsrv-xfer ${options}daemon`
  return {
    start: installed ? `${start} (in the background, as root, whenever the machine starts)` : start,
    restart: `end it, then ${start}`,
  }
}
