import { existsSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { must } from './commands.ts'
import { labCache } from './packages.ts'

const INCLUDE = 'pacman-package-manager,curl,ca-certificates,libarchive-tools,zstd,nodejs'

/** A folder with Debian 13: pacman 7, its own node, a user alpm. Made once a machine, about a minute. */
export function trixieFolder(): string {
  const folder = join(labCache(), 'trixie')
  if (existsSync(folder)) return folder
  const stage = `${folder}.${process.pid}`
  try {
    must('debootstrap', '--variant=minbase', `--include=${INCLUDE}`, 'trixie', stage)
    must('chroot', stage, 'useradd', '-r', '-d', '/', '-s', '/usr/sbin/nologin', 'alpm')
    rename(stage, folder)
  } finally {
    rmSync(stage, { recursive: true, force: true })
  }
  return folder
}

function rename(stage: string, folder: string) {
  try {
    renameSync(stage, folder)
  } catch (error) {
    // Another test file's was there first.
    if (!existsSync(folder)) throw error
  }
}

/** The lab's folder is at the same path inside, so that configurations and sockets mean the same. */
const ENTER = `set -e
root=$1 lab=$2
shift 2
mount --bind "$root" "$root"
mount -t tmpfs -o mode=1777 none "$root/tmp"
mkdir -p "$root$lab"
mount --rbind "$lab" "$root$lab"
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
exec chroot "$root" "$@"`

/** Words to put before a command so that it runs in `root` and sees the lab. */
export function inside(root: string, labFolder: string): string[] {
  return ['unshare', '-m', '--propagation', 'private', 'sh', '-c', ENTER, 'sh', root, labFolder]
}

const HIDE = `set -e
work=$1
shift
mkdir -p "$work/upper" "$work/work"
mount -t overlay none -o "lowerdir=/usr/bin,upperdir=$work/upper,workdir=$work/work" /usr/bin
rm -f /usr/bin/node /usr/bin/nodejs
exec "$@"`

/** Words to put before a command so that it finds no node in /usr/bin, where Debian's and Arch's packages put it. */
export function withoutNode(workFolder: string): string[] {
  return ['unshare', '-m', '--propagation', 'private', 'sh', '-c', HIDE, 'sh', workFolder]
}

/** …or finds one that no longer starts, as after half an upgrade. */
export function withBrokenNode(): string[] {
  const script = `mount --bind /bin/false "$(readlink -f "$(command -v node)")" && exec "$@"`
  return ['unshare', '-m', '--propagation', 'private', 'sh', '-c', script, 'sh']
}
