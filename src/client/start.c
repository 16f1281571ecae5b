#include "front.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FAILED_SECONDS = 60 };

/* Whether we are this user, or one whom only a name service knows: those are asked by Node, since libc would load code for it. */
static bool may_be(const char *name)
{
	const struct passwd *one;
	bool is_known = false;
	bool is_named = false;
	FILE *users = fopen("/etc/passwd", "re");
	while (users && (one = fgetpwent(users)) != NULL) {
		if (one->pw_uid == real_uid()) {
			is_known = true;
			is_named = is_named || strcmp(one->pw_name, name) == 0;
		}
	}
	if (users) {
		fclose(users);
	}
	return is_named || !is_known;
}

/* In a chroot, say, or by alpm, Node would start in vain. Whether it may in the end is start.ts's to decide. */
static bool may_start(const struct conf *conf)
{
	struct stat here;
	struct stat there;
	if (!conf->may_start) {
		return false;
	}
	if (real_uid() == 0) {
		if (stat("/proc/1/root/", &there) != 0) {
			return errno == EACCES;
		}
		return stat("/", &here) == 0 && here.st_dev == there.st_dev && here.st_ino == there.st_ino;
	}
	return conf->own_state || may_be(conf->user);
}

/* Where it is remembered that a start failed: beside the socket, or where this user may write if that folder is not
   there. Only its own user's counts. */
static void failure_file(const struct conf *conf, bool beside, char path[PATH_MAX + 32])
{
	const char *run = getenv("XDG_RUNTIME_DIR");
	if (beside) {
		snprintf(path, PATH_MAX + 32, "%s.failed", conf->socket);
	} else if (real_uid() == 0) {
		snprintf(path, PATH_MAX + 32, "/run/pacsrv-start.failed");
	} else {
		snprintf(path, PATH_MAX + 32, "%.4000s/pacsrv-start.failed", run && run[0] == '/' ? run : "/tmp");
	}
}

static bool has_failed(const struct conf *conf)
{
	for (int beside = 0; beside < 2; beside++) {
		char path[PATH_MAX + 32];
		struct stat found;
		failure_file(conf, beside, path);
		/* Under fakeroot both are feigned, so that they are the same for this user's own. */
		if (lstat(path, &found) == 0 && S_ISREG(found.st_mode) && found.st_uid == geteuid()) {
			time_t age = time(NULL) - found.st_mtime;
			if (age >= 0 && age < FAILED_SECONDS) {
				return true;
			}
		}
	}
	return false;
}

static void remember(const struct conf *conf, bool failed)
{
	int fd = -1;
	for (int beside = 1; beside >= 0; beside--) {
		char path[PATH_MAX + 32];
		failure_file(conf, beside, path);
		unlink(path);
		if (failed && fd < 0) {
			fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
		}
	}
	if (fd >= 0) {
		close(fd);
	}
}

bool start_daemon(const struct conf *conf)
{
	if (!may_start(conf) || has_failed(conf)) {
		return false;
	}
	char script[PATH_MAX + 32];
	memcpy(script, in_library("start.cjs"), sizeof script);
	const char *words[] = { node_program(), script, conf->file, conf->socket, NULL };
	bool started = run_begin(words, -1, NULL) && run_end() == 0;
	remember(conf, !started);
	return started;
}
