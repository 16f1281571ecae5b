import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { attempt, must } from './commands.ts'

/** Both the namespaces and the folders of a lab begin like this, followed by the pid that made them. */
const PREFIX = 'pacsrv-lab-'
const nameOf = (pid: number | string, rest: string) => `${PREFIX}${pid}-${rest}`

/** A name for a lab's namespace or folder that no other process uses. */
export const uniqueName = (rest: string) => nameOf(process.pid, rest)

/** Why no lab can be set up here, or undefined when one can. */
export function whyNoNamespaces(): string | undefined {
  if (process.getuid?.() !== 0) return 'network namespaces need root'
  if (!attempt('ip', '-V')) return 'no ip command (package iproute2)'
  const trial = uniqueName('trial')
  try {
    must('ip', 'netns', 'add', trial)
    must('ip', 'link', 'add', 'eth0', 'netns', trial, 'type', 'veth', 'peer', 'name', 'p0', 'netns', trial)
  } catch (error) {
    return `no right to make network namespaces: ${String((error as { stderr?: string }).stderr).trim()}`
  } finally {
    attempt('ip', 'netns', 'del', trial)
  }
  return undefined
}

/** Ends what runs in a namespace of ours, then removes it. */
export function removeNamespace(name: string) {
  for (let tries = 0; tries < 20; tries++) {
    const pids = attempt('ip', 'netns', 'pids', name).split('\n').filter(Boolean)
    if (pids.length === 0) break
    for (const pid of pids) attempt('kill', '-9', pid)
  }
  attempt('ip', 'netns', 'del', name)
}

/** Unmounts what a lab mounted below its folder, then removes the folder. */
export function removeFolder(folder: string) {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((point) => point === folder || point.startsWith(`${folder}/`))
  for (const point of mounts.reverse()) attempt('umount', '-l', point)
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
}

/** Removes what labs left behind whose process is gone (killed outright, say). */
export function removeLeftovers() {
  const isLeft = (name: string) => {
    const pid = name.startsWith(PREFIX) ? Number.parseInt(name.slice(PREFIX.length), 10) : Number.NaN
    return Number.isInteger(pid) && !isRunning(pid)
  }
  for (const line of attempt('ip', 'netns', 'list').split('\n')) {
    const name = line.split(' ')[0]!
    if (isLeft(name)) removeNamespace(name)
  }
  for (const name of readdirSync(tmpdir())) if (isLeft(name)) removeFolder(join(tmpdir(), name))
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM'
  }
}

/** A switch in a namespace of its own. */
export interface Bridge {
  /** Puts a host's namespace on the switch as `eth0`. `rate` is tc's (`10mbit`) and holds both ways. */
  plug(namespace: string, address: string, rate?: string): void
  namespace: string
}

export function createBridge(namespace: string): Bridge {
  must('ip', 'netns', 'add', namespace)
  must('ip', '-n', namespace, 'link', 'add', 'br0', 'type', 'bridge')
  must('ip', '-n', namespace, 'link', 'set', 'br0', 'up')
  let ports = 0
  return {
    namespace,
    plug(host, address, rate) {
      const port = `port${++ports}`
      const pair = ['type', 'veth', 'peer', 'name', port, 'netns', namespace]
      must('ip', 'link', 'add', 'eth0', 'netns', host, ...pair)
      must('ip', '-n', namespace, 'link', 'set', port, 'master', 'br0', 'up')
      must('ip', '-n', host, 'addr', 'add', `${address}/24`, 'dev', 'eth0')
      must('ip', '-n', host, 'link', 'set', 'eth0', 'up')
      if (!rate) return
      const shape = ['root', 'tbf', 'rate', rate, 'burst', '128kb', 'latency', '200ms']
      must('tc', '-n', host, 'qdisc', 'add', 'dev', 'eth0', ...shape)
      must('tc', '-n', namespace, 'qdisc', 'add', 'dev', port, ...shape)
    },
  }
}

/** An empty namespace with nothing but loopback. */
export function createNamespace(name: string) {
  must('ip', 'netns', 'add', name)
  must('ip', '-n', name, 'link', 'set', 'lo', 'up')
}

/** Makes `gateway`, on a switch by its eth0, a gateway for one host behind it; drops what it doesn't know, silently. */
export function createNat(gateway: string) {
  must('ip', 'netns', 'exec', gateway, 'sysctl', '-qw', 'net.ipv4.ip_forward=1')
  must('ip', 'netns', 'exec', gateway, 'nft', NAT_RULES)
}

const NAT_RULES = `table ip nat {
  chain out { type nat hook postrouting priority srcnat; oifname "eth0" masquerade; }
  chain through {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    iifname "inside" accept
  }
  chain in {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    iifname "inside" accept
  }
}`

/** Puts a host's namespace behind a gateway's, as its only neighbour. */
export function plugBehind(host: string, gateway: string, { own, its }: { own: string; its: string }) {
  must('ip', 'link', 'add', 'eth0', 'netns', host, 'type', 'veth', 'peer', 'name', 'inside', 'netns', gateway)
  for (const [namespace, link, address] of [
    [host, 'eth0', own],
    [gateway, 'inside', its],
  ] as const) {
    must('ip', '-n', namespace, 'addr', 'add', `${address}/24`, 'dev', link)
    must('ip', '-n', namespace, 'link', 'set', link, 'up')
  }
  must('ip', '-n', host, 'route', 'add', 'default', 'via', its)
}
