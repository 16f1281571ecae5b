import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { attempt, type Outcome, waitFor } from './commands.ts'
import type { Host } from './host.ts'
import type { Lab } from './lab.ts'

const project = join(import.meta.dirname, '../..')

/**
 * This machine's own system with pacsrv's files where the package puts them, in a root that is thrown away, and
 * systemd as its first process. Not so of the units: PrivateDevices, which wants a devtmpfs of its own.
 */
const BOOT = `set -e
work=$1 project=$2 program=$3 config=$4
mount --make-rprivate /
mount -t tmpfs tmpfs "$work"
root=$work/root
mkdir "$work/upper" "$work/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/work" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
for folder in run tmp dev; do mount -t tmpfs tmpfs "$root/$folder"; done
for device in null zero full random urandom; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
units=$root/etc/systemd/system
rm -rf "$units"
install -D -m 755 -t "$root/usr/bin" "$program"
install -D -m 644 -t "$root/usr/lib/pacsrv" "\${program%/*}"/*.cjs
[ ! -e "\${program%/*}/node" ] || install -m 755 -t "$root/usr/lib/pacsrv" "\${program%/*}/node"
install -D -m 644 -t "$units" "$project"/systemd/*.service "$project"/systemd/*.socket
install -D -m 644 "$project/systemd/pacsrv.sysusers" "$root/usr/lib/sysusers.d/pacsrv.conf"
install -D -m 644 "$project/systemd/pacsrv.tmpfiles" "$root/usr/lib/tmpfiles.d/pacsrv.conf"
install -D -m 755 -t "$root/usr/share/libalpm/scripts" "$project/libalpm/pacsrv-restart"
install -m 644 "$config" "$root/etc/pacsrv.conf"
for unit in pacsrv pacsrv-webhost; do
  mkdir "$units/$unit.service.d"
  log=StandardError=append:/var/log/$unit.log
  printf '[Service]\\nPrivateDevices=no\\n%s\\n%s\\n' "$log" "StandardOutput\${log#StandardError}" \
    >"$units/$unit.service.d/lab.conf"
done
printf '[Unit]\\nDefaultDependencies=no\\n' >"$units/lab.target"
cd "$root"
mkdir old
pivot_root . old
umount -l old
systemd-sysusers pacsrv.conf
exec env -i container=lxc PATH="$PATH" /lib/systemd/systemd --unit=lab.target --log-target=null --show-status=no`

/** Why systemd can't be had as a first process here, or undefined. */
export function whyNoBoot(): string | undefined {
  const mounted = attempt('unshare', '-m', '-C', 'sh', '-c', 'mount -t cgroup2 cgroup2 /mnt && echo yes')
  return mounted === '' ? 'no cgroup2 may be mounted' : undefined
}

/** A machine that systemd runs; the answer runs commands there, as root. */
export async function boot(
  lab: Lab,
  host: Host,
  config: string,
): Promise<(...command: string[]) => Promise<Outcome>> {
  const own = ['--kill-child', '--fork', '--pid', '--mount', '--uts', '--ipc', '--cgroup']
  const words = [host.folder, project, lab.program, config]
  const outer = host.spawn(['unshare', ...own, 'sh', '-c', BOOT, 'sh', ...words], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const path = `/proc/${outer.pid}/task/${outer.pid}/children`
  const first = await waitFor('the first process', () => readFileSync(path, 'utf8').trim() || undefined)
  const enter = ['nsenter', '--target', first, '--mount', '--pid', '--uts', '--ipc', '--root']
  const run = (...command: string[]) => host.exec([...enter, 'sh', '-c', 'cd /; exec "$@"', 'sh', ...command])
  await waitFor('systemd', async () =>
    /running|starting|degraded/.test((await run('systemctl', 'is-system-running')).stdout),
  )
  return run
}
