#include "front.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TOLD_BYTES = 64 };

/* Where it is remembered which pacman has been told: in a folder that this user may write to. */
static void told_file(char path[PATH_MAX])
{
	const char *run = getenv("XDG_RUNTIME_DIR");
	if (real_uid() == 0) {
		snprintf(path, PATH_MAX, "/run/pacsrv-xfer.told");
	} else if (run && run[0] == '/') {
		snprintf(path, PATH_MAX, "%.4000s/pacsrv-xfer.told", run);
	} else {
		snprintf(path, PATH_MAX, "/tmp/pacsrv-xfer.%ld.told", (long)real_uid());
	}
}

/* Whether this very pacman is the one that was told last; only this user's own file counts. */
static bool was_told(const char *path, const char *transaction)
{
	char text[TOLD_BYTES + 1];
	struct stat found;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		return false;
	}
	ssize_t length = read(fd, text, TOLD_BYTES);
	bool own = fstat(fd, &found) == 0 && S_ISREG(found.st_mode) && found.st_uid == real_uid();
	close(fd);
	text[length > 0 ? length : 0] = '\0';
	return own && strcmp(text, transaction) == 0;
}

/* False where it can't be remembered: then nothing is said, rather than something for each file. */
static bool remember_told(const char *path, const char *transaction)
{
	unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0) {
		return false;
	}
	size_t length = strlen(transaction);
	bool whole = write(fd, transaction, length) == (ssize_t)length;
	close(fd);
	return whole;
}

void tell_once(const char *why)
{
	char path[PATH_MAX];
	char transaction[TOLD_BYTES];
	transaction_of(parent_pid(), transaction, sizeof transaction);
	if (transaction[0] == '\0') {
		return;
	}
	told_file(path);
	if (!was_told(path, transaction) && remember_told(path, transaction)) {
		dprintf(STDERR_FILENO, "pacsrv-xfer: not used now, the mirror serves: %s; see pacsrv-xfer check\n", why);
	}
}
