import type { Config } from '../../base/config.ts'
import { type Owned, Want, type Who } from './check-access.ts'
import type { Finding } from './check-finding.ts'
import { hidden, reachesIndeed } from './check-folders.ts'
import type { Probe } from './check-probe.ts'

const OTHERS = 0o007
const GROUP = 0o070
const ROOT = 0

/** The keys of a closed network: there, for the daemon to read, and for nobody else. */
export async function checkKeys(config: Config, probe: Probe, who: Who): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const path of config.network['key-file']) {
    const { steps, end } = await probe.walk(path)
    const what = `The key of the closed network, ${path} ([network] key-file),`
    const fix = `chgrp ${who.name} ${path} && chmod 640 ${path}`
    const fault = probe.keyFault(path)
    if (end === 'hidden') findings.push(hidden(path))
    else if (end === 'missing') {
      findings.push({
        problem: `${what} isn't there.`,
        fix: `copy it from another machine of that network, ${fix}`,
      })
    } else if (!(await reachesIndeed(probe, who, path, steps, Want.read))) {
      findings.push({ problem: `${what} can't be read by the user ${who.name}.`, fix })
    } else if ((steps.at(-1)!.mode & OTHERS) !== 0) {
      findings.push({ problem: `${what} is open to everybody on this machine.`, fix: `chmod o= ${path}` })
    } else if (isAnotherGroups(steps.at(-1)!, who)) {
      findings.push({ problem: `${what} is open to a group that isn't ${who.name}'s.`, fix })
    } else if (fault !== undefined) {
      findings.push({ problem: `${fault}.`, fix: `copy it from another machine of that network, ${fix}` })
    }
  }
  return findings
}

const isAnotherGroups = ({ gid, mode }: Owned, { gids }: Who) =>
  (mode & GROUP) !== 0 && gid !== ROOT && !gids.includes(gid)
